"""Scripts that train the text-to-image model shipped with Easel, from nothing but drawn scenes."""
