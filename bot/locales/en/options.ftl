# What can be asked for besides the words themselves: names, what they are for, and the values to choose from.
# Names are lower case without spaces, and what members type after the dashes; descriptions have at most 100 characters.

opt-prompt = prompt
opt-prompt-about = What to draw
opt-size = size
opt-size-about = A shape such as portrait, proportions such as 16:9, or pixels such as 768x512
opt-quality = quality
opt-quality-about = Better takes longer
opt-seed = seed
opt-seed-about = A number: the same seed draws the same picture
opt-images = images
opt-images-about = How many pictures, from neighbouring seeds
opt-negative = negative
opt-negative-about = What should not be in the picture; drawing takes twice as long
opt-guidance = guidance
opt-guidance-about = How closely to follow the words; above 0 drawing takes twice as long
opt-style = style
opt-style-about = A look to draw it in
opt-model = model
opt-model-about = Which model draws
opt-lora = lora
opt-lora-about = LoRAs to draw it with and how strongly: ink:0.8, sepia
opt-steps = steps
opt-steps-about = Denoising steps, in place of a quality
opt-strength = strength
opt-strength-about = How much of the picture to change: 0.3 a little, 0.9 almost everything
opt-area = area
opt-area-about = Which part of the picture to draw anew: a side, the centre, or cells 1 to 9 of a 3x3 grid
opt-expand = expand
opt-expand-about = Where to draw more around the picture
opt-private = private
opt-private-about = Only you see it

area-left = Left
area-right = Right
area-top = Top
area-bottom = Bottom
area-centre = Centre
expand-left = To the left
expand-right = To the right
expand-up = Upwards
expand-down = Downwards
expand-all = On all sides
size-square = Square
size-portrait = Portrait
size-landscape = Landscape
size-tall = Tall
size-wide = Wide
size-large = Large
quality-sketch = Sketch
quality-draft = Draft
quality-standard = Standard
quality-final = Final

help-imagine = /imagine PROMPT [options] draws a picture:
option-values = { $about } ({ $values })
option-range = { $about } ({ $low } to { $high })
