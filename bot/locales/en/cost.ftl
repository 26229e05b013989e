# What the cost tools say in English.

## The plan

plan-title = At { $utilisation } utilisation, operations { $operations } an hour:
plan-card = Card
plan-model = Model
plan-instances = one each
plan-shared = one shared
plan-fits = At once
plan-hour = Images/h
plan-rent = Rent/image
plan-cost = Cost/image
plan-tier = Plan
plan-price = Price
plan-margin = Profit over cost
plan-break-even = Pays from
plan-tiers-title = Prices on { $card } ({ $model }), at { $cost } an image:
plan-never = never ({ $share })
plan-month-title = A month with these members on { $card }:
plan-month-images = Images
plan-month-cards = Cards
plan-month-utilisation = Utilisation
plan-month-cost = Rent and operations
plan-month-each = Cost an image
plan-month-revenue = Revenue
plan-month-profit = Left over
plan-month-free = Free share of images
plan-members-form = --members is written TIER=MEMBERS or TIER=MEMBERSxIMAGES, not “{ $found }”; for example free=400,member=70x300
plan-members-images = The { $tier } plan has no monthly allowance; say how many images each asks for: { $tier }=10x3000
plan-unknown-card = I do not know the card “{ $found }”; there are { $allowed }. Add your own in gpus.toml.
plan-utilisation-range = --utilisation is a part of the hour above 0 and up to 1 (0.6 or 60%), not “{ $found }”.
plan-price-form = --price is an amount an hour, not “{ $found }”.
plan-not-measured = This machine has not been measured yet; run `easel calibrate` first.
plan-too-small = { $card }: not even one request fits its memory.

## The report

cost-image-real = Cost an image
cost-image-full = At full load
cost-rent = Rent
cost-rent-split = busy { $busy }, idle { $idle }, overhead { $overhead }
cost-operations = Operations
cost-margin = Left over
cost-unsuccessful = Came to nothing
cost-unsuccessful-split = { $failed } failed, { $cancelled } cancelled, { $undeliverable } undeliverable
cost-refunded = Refunded
cost-free-goal = { $share } (goal { $goal })
cost-by-tier = By plan
cost-by-platform = By platform
cost-by-size = By size
cost-top = Top members
cost-group = { $images } in { $gpu }
cost-forecast = Forecast to the end
cost-forecast-figures = { $images } images, cost { $cost }, revenue { $revenue }, left over { $margin }

## The chart

chart-cost = Cost
chart-busy = busy
chart-idle = idle
chart-overhead = overhead
chart-axis-money = { $currency }
chart-image-title = One image: its cost, and what plans pay
chart-price = { $tier } price
chart-axis-wait = seconds
chart-wait-title = Wait for the first step
chart-tier-title = Images by plan, free: { $goal }

## Files

cost-not-written = { $file } could not be written: { $reason }
cost-no-font = There is no font with Chinese characters here, so the chart is in English; install pylopdf-fonts-zh-cn or a Noto CJK font.

## Advice

advice-images = { $images } at once take { $images } times as long as one, and count as { $images }; one first is often enough.
advice-seed = To see what the change does, draw it with the last seed: --seed { $seed }

## To the owners

alert-cost-image = An image cost { $cost } over the last seven days, above your limit of { $limit }.
alert-cost-idle = The machine was idle { $idle } of the last seven days, above your limit of { $limit }.
cost-monthly =
    { $period }: { $images } images for { $cost }; { $each } an image, { $full } at full load.
    Revenue { $revenue }, left over { $margin }. Idle { $idle }, free images { $free }, refunded { $refunded }.

## Calibration

calibrate-heading = { $model } on { $device }
calibrate-memory = Memory by size
calibrate-size = Size
calibrate-edge = Width and height, pixels
calibrate-loaded = Loaded
calibrate-peak = Peak
calibrate-seconds = Seconds
calibrate-speed = Seconds by steps
calibrate-steps = Steps
calibrate-growth = Growth
calibrate-fit = Linear: { $start } s + { $slope } s a step, R² { $r2 }.
calibrate-throughput = Requests at once
calibrate-at-once = At once
calibrate-hour = Images an hour
calibrate-stopped-memory = No more fit the memory.
calibrate-stopped-throughput = One more at once brought no more images an hour.
calibrate-stopped-limit = No more were tried.
calibrate-going-on = Going on where the last run stopped.
calibrate-done = Written: { $files }
calibrate-too-small = Not even one picture of { $size } fits this machine's memory.
calibrate-failed = The model could not be measured: { $reason }
calibrate-unsteady = The times do not grow evenly with the steps, so something else is keeping this machine busy. Nothing was written. Stop it (a running bot, another program on the GPU) and run easel calibrate again.
