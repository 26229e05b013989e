# Everything Easel says in English. One sentence each; what the user typed comes back in “quotes”.

## Refusals

error-prompt-empty = Tell me what to draw, for example: /imagine an orange cat on a green meadow
error-prompt-long = Your prompt has { $length } characters; the limit is { $limit }.
error-range = { $option } must be a number from { $low } to { $high }, not “{ $found }”.
error-range-random = { $option } must be a number from { $low } to { $high }, not “{ $found }”; leave it out for a random one.
error-size-shape = “{ $wanted }” is not a shape I can draw here: one side can be at most { $most } times as long as the other.
error-no-styles = This bot has no styles.
error-no-loras = This bot has no LoRAs for you to draw with.
error-loras = “{ $found }” cannot be read as LoRAs. Write names with commas between them, such as ink:0.8, sepia.
error-lora-twice = The LoRA { $lora } is named twice.
error-loras-many = One picture is drawn with at most { $most } LoRAs.
error-choice = There is no { $option } “{ $found }”. Choose one of: { $allowed }.
error-model-tier = Your { $tier } tier may not use { $found }. It may use: { $allowed }.
error-model-away = Nothing can draw with { $model } right now. Please choose another model; /models lists them.
error-choice-near = There is no { $option } “{ $found }”. Did you mean { $near }? Choose one of: { $allowed }.
error-size-tier = { $wanted } is larger than your { $tier } tier allows; the largest in this shape is { $largest }.
error-option = There is no option --{ $option }; see /help.
error-option-mask = There is no --{ $option } here: say with --area which part to redraw.
error-option-near = There is no option --{ $option }; did you mean --{ $near }?
error-option-twice = --{ $option } is given twice; give it once.
error-option-value = --{ $option } needs a value after it.
error-command = There is no command { $command }; see /help.
error-incomplete = Something is missing. Write it like this: /{ $usage }
error-quota-used = All your images for this month are used or being drawn. New ones come on { $resets }.
error-quota-short =
    You asked for { $wanted } { $wanted ->
        [one] image
       *[other] images
    } and have { $left } left until { $resets }.
error-spending-cap = This key has reached its spending cap; it resets on { $resets }.
error-banned = You cannot draw here.
error-banned-why = You cannot draw here: { $reason }
error-access-code = This bot draws by invitation. If you were given a code, send me /join and the code in private.
error-access-listed = This bot draws only for people its owner has let in. If you know the owner, tell them your account number: { $account }
error-cap-server = This server has used its free images for today. Try again tomorrow.
error-cap-total = Today's free images are used up. Try again tomorrow.
error-account-young = Your account is too new: free images start { $days ->
        [one] a day
       *[other] { $days } days
    } after it was created.
error-storage = Your request could not be saved, so it was not accepted and nothing was charged. Try again in a minute.
error-queue-yours = You can have at most { $limit } images waiting. Let some finish first.
error-queue-full = The queue is full right now. Nothing was charged; try again in a minute.
error-too-large = That size is too large to be drawn here. Choose a smaller one.
error-memory = That was too large to be drawn this time. Nothing was charged; choose a smaller size.
error-draw = Drawing failed. Nothing was charged; please try again.
error-draining = The bot is restarting. Try again in a minute.
error-draining-kept = The bot is restarting. Your request is saved and will be drawn right after.
error-gone = That picture is no longer kept.
error-owner = Only the owner of this bot can do that.
error-not-yours = That is not yours to cancel, or it is already finished.
error-internal = Something went wrong. It has been logged, and nothing was charged.

## Notes

note-size-snapped = { $wanted } became { $size }: each side is a multiple of { $grid } between { $low } and { $high }.
note-size-shape = { $wanted } is { $size } pixels here.
note-size-tier = { $wanted } became { $size }: that is the most your { $tier } tier allows.
note-negative-unused = At guidance 0 the negative prompt has no effect; leave guidance out, or raise it to { $guidance }.
note-negative-unread = { $model } reads no negative prompt, so yours has no effect.
note-guidance-set = The negative prompt needs guidance, so it is drawn with guidance { $guidance }; that takes twice as long.
note-notation = “{ $found }” is another tool's notation and is read here as plain words; describe the picture in a sentence instead.
note-words-unknown = This small model does not know “{ $words }”, so the picture may show something else.
note-steps-many = More than { $useful } steps take longer and hardly change the picture.
note-prompt-cut = Your prompt is longer than the model reads; its end was not used.

## A request on its way

status-accepted = Got it.
status-next = You are next · about { $eta }
status-waiting = Waiting, { $position } { $position ->
        [one] image
       *[other] images
    } before you · about { $eta }
status-paused = Waiting: drawing is paused. You keep your place.
status-unmanned = Waiting: nothing can draw right now. You keep your place.
status-drawing = Drawing { $bar } step { $step } of { $steps } · { $eta } left
status-drawing-many = Drawing { $bar } step { $step } of { $steps }, { $drawn } of { $images } done · { $eta } left
duration-seconds = { $seconds } s
duration-minutes = { $minutes }:{ $seconds } min
duration-hours = { $hours }:{ $minutes } h
status-finishing = Finishing…
cancelled-refunded = Cancelled; nothing was charged.
cancelled-some = { $images ->
        [one] One image was
       *[other] { $images } images were
    } cancelled and not charged.
cancelled-charged =
    Cancelled; drawing had begun and your free cancels for today are used up, so it counts as { $images ->
        [one] one image
       *[other] { $images } images
    }.
cancel-asked = Cancelling…
cancel-nothing = You have nothing waiting.
missing-images = { $missing } { $missing ->
        [one] image
       *[other] images
    } failed and { $missing ->
        [one] was
       *[other] were
    } not charged.

## Results

fact-file = File
fact-size = Size
fact-steps = Steps
fact-seed = Seed
fact-time = Time
fact-gpu = GPU time
fact-cost = Cost
fact-left = Left this month
value-steps = { $run } of { $steps }
value-seconds = { $seconds } s
value-cached = drawn before, so it took no time
value-left = { $left } of { $allowance } images
line-left = { $left } of { $allowance } left
value-left-unlimited = no limit
quota-title = Your month
quota-tier = Tier
quota-used = Used
quota-reserved = In progress
quota-topup = Extra images
quota-resets = Resets
quota-price = Price per image

## Stats

stats-title = Cost, { $period }
stats-period-today = today
stats-period-7d = the last 7 days
stats-period-30d = the last 30 days
stats-period-month = this month
stats-images = Images
stats-uptime = Machine up
stats-uptime-split = busy { $busy }, overhead { $overhead }, idle { $idle }
stats-revenue = Revenue
stats-free-share = Free images
stats-wait = Wait p50 / p95
stats-draw = Draw p50 / p95
stats-tier = By tier
stats-none = nothing yet

## The terminal

chat-welcome = Easel draws what you type. /imagine a cat on the moon, /quota, /stats, /help; exit or Ctrl-D leaves.
chat-choice = Type { $number } for: { $label }
chat-bye = Bye.
error-chart-failed = { $file } could not be written ({ $reason }).
chat-goes-on = Unfinished from last time: “{ $prompt }”, to be written to { $file }. It counts once it is written.
chat-bye-open = Bye. What is being drawn now is finished first; you get the rest when you come back.
help-typed = Type /imagine and what you want to see.
help-console = A line without a command is a prompt too. With --image FILE in it I draw from that picture.

models-title = Models
models-can = { $usual } unless you say otherwise, up to { $largest }; { $steps } steps
models-negative = Reads a negative prompt.
models-no-negative = Reads no negative prompt.
models-pictures = With a picture: { $what }.
models-vary = varies it
models-inpaint = redraws parts of it
models-edit = edits it by instruction
models-controls = Keeps to a picture's { $what }.
models-edges = outlines
models-depth = depth
models-pose = pose
models-counts = A picture counts as { $images } images.
models-not-yours = Not for your { $tier } tier.
models-how = Choose one with the option { $option }; without it, { $default } draws.
