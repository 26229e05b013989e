# What members can buy: plans, orders, receipts, refunds, gifts, vouchers.

cmd-plans = plans
cmd-plans-about = The tiers, and what you can buy
cmd-redeem = redeem
cmd-redeem-about = Use a voucher
opt-voucher = code
opt-voucher-about = The voucher's code
cmd-gift = gift
cmd-gift-about = Give some of your extra images to somebody else
cmd-paysupport = paysupport
cmd-paysupport-about = Help with a payment
cmd-terms = terms
cmd-terms-about = The terms of sale
cmd-refund = refund
cmd-refund-about = Refund an order
opt-order = order
opt-order-about = The order's number, from its receipt

plans-title = Plans
plans-yours = { $tier } (yours)
plans-until = You have { $tier } until { $until }.
plans-images =
    { $images ->
        [one] one image a month
       *[other] { $images } images a month
    }
plans-unlimited = no monthly limit
plans-size = up to { $edge } × { $edge }
plans-weight = weight { $weight } in the queue
plans-price = { $price } an image
plans-free = free
plans-private = To buy, write to me in private.
plans-nowhere = not sold at the moment
plans-show = See plans
price-stars = { $stars } ⭐

offer-images =
    { $images ->
        [one] One extra image
       *[other] { $images } extra images
    }
offer-images-about =
    { $images ->
        [one] One image on top of your monthly allowance. It lasts until you use it.
       *[other] { $images } images on top of your monthly allowance. They last until you use them.
    }
offer-tier = { $tier }, { $days } days
offer-tier-about = The tier { $tier } for { $days } days.
offer-tier-renews = The tier { $tier }, renewed every { $days } days until you cancel it.

order-title = Your order
order-invoice = The invoice is below. It can be paid for one hour.
order-link = Pay here. The link works for one hour.
error-offer-gone = This is not for sale here at the moment. See /plans.
error-offer-lower = You already have a higher tier: { $tier }.
error-offer-held = You already have this tier: { $tier }.
error-offer-subscribed = You already subscribe to { $tier }. If you have cancelled it, you can subscribe again once it has ended.
error-invoice = The invoice could not be created. Please try again in a minute.
error-order-unknown = I do not know this order. Please start again with /plans.
error-order-paid = This order has already been paid.
error-order-others = This invoice is somebody else's. Type /plans to get your own.
error-order-expired = This invoice has expired. Type /plans to get a new one.
error-order-changed = The offer has changed. Type /plans to see what it is now.

receipt-images =
    Thank you! { $images ->
        [one] One extra image is yours
       *[other] { $images } extra images are yours
    }; you have { $topup } now. Order { $order }.
receipt-tier = Thank you! You have { $tier } until { $until }. Order { $order }.
receipt-refused = I could not fill this order, so your payment is being refunded. Order { $order }.

refund-title = Refunded
refund-amount = Amount
refund-back = Images taken back
refund-kept = Images already used or given away
refund-waits-title = Refund noted
refund-waits = The platform has not made it yet. It is asked again at least every hour; there is nothing for you to do.
refund-ended = ended
error-refund-nothing = Order { $order } has no payment that can be refunded.

paysupport-title = Help with payments
paysupport-to = Write to { $support } and give the number of your order. Telegram and Discord support cannot help with it.
paysupport-owner = Write to whoever runs this bot and give the number of your order. Telegram and Discord support cannot help with it.

terms-title = Terms of sale
terms-text = Extra images last until you use them; an image that fails is given back. A tier lasts until the date on your receipt. A subscription can be cancelled at any time and then lasts until the end of what is paid. For refunds, see /paysupport.

gift-given =
    { $images ->
        [one] One image given.
       *[other] { $images } images given.
    } You have { $left ->
        [one] one extra image left.
       *[other] { $left } extra images left.
    }
gift-received =
    { $images ->
        [one] Somebody gave you one extra image
       *[other] Somebody gave you { $images } extra images
    }; you have { $topup } now.
error-gift-self = These images are yours already.
error-gift-left =
    { $left ->
        [0] You have no extra images. Only those can be given away.
        [one] You have one extra image. Only extra images can be given away.
       *[other] You have { $left } extra images. Only those can be given away.
    }

voucher-images =
    { $images ->
        [one] One extra image is yours
       *[other] { $images } extra images are yours
    }; you have { $topup } now.
voucher-tier = You have { $tier } until { $until }.
error-voucher-unknown = There is no such voucher. Check the code.
error-voucher-used = This voucher has already been used.
error-voucher-held = You already have this tier or a higher one, so the voucher would bring you nothing. It can still be used.

income-sales = Sales, after fees and refunds
income-line = { $payments } paid, { $amount }; fees { $fees }, refunds { $refunds }; left { $net }
income-margin = Margin with sales

quota-slow = After that
slow-possible =
    { $left ->
        [one] one slow image, drawn when nobody else waits
       *[other] { $left } slow images, drawn when nobody else waits
    }
slow-chosen = slowly, when nobody else waits; { $left } left
slow-go-on = Go on slowly
slow-wait = Wait for next month
slow-in-chat = To choose, type /quota in easel chat.
error-not-your-choice = That button is for somebody else. Type /quota to choose for yourself.
error-quota-slow =
    All your images for this month are used or being drawn. New ones come on { $resets }. Until then { $left ->
        [one] one more can
       *[other] { $left } more can
    } be drawn slowly, when nobody else waits.
error-refund-elsewhere = This order has to be refunded on { $platform } itself. I take back what is unused as soon as { $platform } tells me.
error-refund-away = { $platform } is not connected at the moment. Please try again when it is.
