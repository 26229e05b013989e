# What the cost tools say in English.

## The plan

plan-title = One picture of 1024x1024 in 8 steps, at { $utilisation } utilisation. Per hour a card costs { $rent } ([[rent]] in bot.toml, or --price; gpus.toml where it has a price), and operations cost { $operations }.
plan-article-title = The article's model of 5 GB in 40 steps, at { $utilisation } utilisation, with operations at { $operations } per hour:
plan-estimated =
    ~ estimated from the card's data sheet, not measured; `easel calibrate` measures a machine, and `easel plan --measured` uses that.
    Modes other than high also move weights while they draw, which is not counted.
plan-largest = Largest
plan-seconds = Seconds
plan-card = Card
plan-model = Model
plan-instances = one per request
plan-shared = shared
plan-fits = Concurrent
plan-hour = Images/h
plan-rent = Rent/image
plan-cost = Cost/image
plan-tier = Tier
plan-price = Price
plan-margin = Markup
plan-break-even = Pays off from
plan-tiers-title = Prices on { $card }, at { $cost } per image:
plan-never = never ({ $share })
plan-month-title = A month with these members on { $card }:
plan-month-images = Images
plan-month-cards = Cards
plan-month-utilisation = Utilisation
plan-month-cost = Rent and operations
plan-month-each = Cost per image
plan-month-revenue = Revenue
plan-month-profit = Margin
plan-month-free = Free images
plan-members-form = --members takes TIER=MEMBERS or TIER=MEMBERSxIMAGES, such as free=400,member=70x300; “{ $found }” is neither.
plan-members-images = The { $tier } tier has no monthly allowance, so say how many images each member asks for: { $tier }=10x3000
plan-unknown-card = “{ $found }” does not name one card. Known cards: { $allowed }. Add your own in gpus.toml.
plan-utilisation-range = --utilisation is the share of the hour that is used, above 0 and up to 1 (0.6 or 60%); “{ $found }” is not.
plan-price-form = --price is an hourly amount such as 0.35; “{ $found }” is not.
plan-not-measured = This machine has not been measured yet. Run `easel calibrate` first.
plan-too-small = { $card }: its memory is too small for the model.

## The report

cost-image-real = Cost per image
cost-image-full = At full load
cost-rent = Rent
cost-rent-split = busy { $busy }, idle { $idle }, overhead { $overhead }
cost-operations = Operations
cost-margin = Margin
cost-unsuccessful = Not delivered
cost-unsuccessful-split = { $failed } failed, { $cancelled } cancelled, { $undeliverable } undeliverable
cost-refunded = Refunded
cost-free-goal = { $share } (goal { $goal })
cost-by-tier = By tier
cost-by-platform = By platform
cost-by-model = By model
cost-by-size = By size
cost-by-kind = By kind
cost-top = Top members
cost-group = { $images } in { $gpu }
cost-forecast = Forecast
cost-forecast-figures = { $images } { $images ->
        [one] image
       *[other] images
    }, cost { $cost }, revenue { $revenue }, margin { $margin }

## The chart

chart-cost = Cost
chart-busy = busy
chart-idle = idle
chart-overhead = overhead
chart-axis-money = { $currency }
chart-image-title = One image: cost, and price by tier
chart-price = { $tier } price
chart-axis-wait = seconds
chart-wait-title = Wait before the first step
chart-tier-title = Images by tier (free: { $goal })

## Files

cost-not-written = { $file } could not be written: { $reason }
cost-no-font = No font with Chinese characters is installed, so the chart is in English. Install pylopdf-fonts-zh-cn or a Noto CJK font.

## Advice

advice-images = { $images } images take { $images } times as long as one and count as { $images }. One is often enough to begin with.
advice-seed = To see only what your change does, use the seed of your last picture: { $seed }

## To the owners

alert-cost-image = Over the last seven days an image cost { $cost }, above your limit of { $limit }. /stats cost shows why; easel plan compares cards and prices.
alert-cost-idle = The machine was idle { $idle } of the last seven days, above your limit of { $limit }. A cheaper card may do: see easel plan.
cost-monthly =
    { $period }: { $images } { $images ->
        [one] image
       *[other] images
    } for { $cost }; { $each } per image, { $full } at full load.
    Revenue { $revenue }, margin { $margin }. Idle { $idle }, free images { $free }, refunded { $refunded }.

## Calibration

calibrate-heading = { $model } on { $device }
calibrate-memory = Memory by size
calibrate-size = Size
calibrate-edge = Width and height, pixels
calibrate-loaded = Weights
calibrate-peak = Peak
calibrate-seconds = Seconds
calibrate-speed = Seconds by steps
calibrate-steps = Steps
calibrate-growth = Growth
calibrate-fit = Linear: { $start } s + { $slope } s per step, R² { $r2 }.
calibrate-throughput = Concurrent requests
calibrate-at-once = Concurrent
calibrate-hour = Images per hour
calibrate-stopped-memory = More did not fit into memory.
calibrate-stopped-throughput = One more did not draw more images per hour.
calibrate-stopped-limit = No more were tried.
calibrate-going-on = Continuing where the last run stopped.
calibrate-done = Written: { $files }
calibrate-too-small = Not even one { $size } picture fits into this machine's memory.
calibrate-failed = The model could not be measured: { $reason }
calibrate-unsteady = The times do not grow evenly with the steps, so something else is keeping this machine busy. Nothing was written. Stop it (a running bot, another program on the GPU) and run easel calibrate again.
alert-paid-back =
    { $platform }: a payment of { $amount } for order { $order } could bring nothing and is being paid back: { $why ->
        [unknown] this database does not know the order. Check that no older copy was restored, and that no other bot uses this token.
        [forgotten] whoever paid has left with /forget. There is nothing to do.
        [banned] whoever paid is banned. There is nothing to do, unless you lift the ban with /unban.
        [no_tier] its tier is no longer in bot.toml. Put the tier back, or take the offer out.
        [price] the amount is not the one that was ordered. Check that no other program sells with this token.
       *[paid] the order had been paid before. There is nothing to do.
    }
alert-refunded = { $platform } has paid order { $order } back by itself: { $amount }. I took back { $back } unused images; { $kept } had been used. Ask { $platform } for the reason, if you do not know it.
kind-text = From text
kind-vary = Varied
kind-inpaint = Inpainted
kind-enlarge = Enlarged
kind-edit = Edited
kind-control = Following a picture
