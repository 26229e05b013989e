## Buttons under a picture, and what they answer

button-again = Again
button-vary = Vary
button-larger = Larger
button-single = { $number }
button-details = Details
button-delete = Delete
button-cancel = Cancel
button-fetch = Get it
action-largest = That is already the largest size this model draws.
action-largest-tier = That is already the largest size your { $tier } tier allows.
action-deleted = Deleted.
action-cancelling = Cancelling…
action-vary-title = Same seed, other words
action-vary-prompt = Prompt
details-title = How it was drawn
fact-negative = Negative prompt
fact-guidance = Guidance
fact-model = Model
fact-style = Style
fact-id = Number
error-not-owner = Only whoever asked for that picture can do this.
