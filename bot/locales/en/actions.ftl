## Buttons under a picture, and what they answer

button-again = Again
button-vary = Vary
button-larger = Larger
button-single = File
each-larger = U{ $number }
each-vary = V{ $number }
each-single = { $number }
button-details = Details
button-delete = Delete
button-cancel = Cancel
button-fetch = Get it
action-largest = This is already the largest size this model draws.
action-largest-tier = This is already the largest size your { $tier } tier allows.
action-deleted = Deleted.
action-cancelling = Cancelling…
action-vary-title = Same seed, different words
action-vary-prompt = Prompt
details-title = How it was drawn
fact-negative = Negative prompt
fact-guidance = Guidance
fact-model = Model
fact-style = Style
fact-lora = LoRA
fact-id = ID
error-not-owner = Only the person who asked for that picture can do this.
