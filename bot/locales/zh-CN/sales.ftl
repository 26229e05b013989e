# 成员可以购买的内容：套餐、订单、收据、退款、赠送、兑换码。

cmd-plans = 套餐一览
cmd-plans-about = 各档套餐，以及可以购买的内容
cmd-redeem = 兑换
cmd-redeem-about = 使用兑换码
opt-voucher = 兑换码
opt-voucher-about = 兑换码
cmd-gift = 转赠
cmd-gift-about = 把您的额外图片送给别人
cmd-paysupport = 支付帮助
cmd-paysupport-about = 支付方面的帮助
cmd-terms = 条款
cmd-terms-about = 销售条款
cmd-refund = 退款
cmd-refund-about = 为一笔订单退款
opt-order = 订单
opt-order-about = 收据上的订单号

plans-title = 套餐一览
plans-yours = { $tier }（当前）
plans-until = 您的 { $tier } 套餐有效期至 { $until }。
plans-images = 每月 { $images } 张
plans-unlimited = 每月不限量
plans-size = 最大 { $edge } × { $edge }
plans-weight = 排队权重 { $weight }
plans-price = 每张 { $price }
plans-free = 免费
plans-private = 想购买请私聊我。
plans-nowhere = 暂不出售
plans-show = 查看套餐
price-stars = { $stars } ⭐

offer-images = { $images } 张额外图片
offer-images-about = 在每月额度之外再加 { $images } 张图片，用完为止，不会过期。
offer-tier = { $tier }，{ $days } 天
offer-tier-about = { $tier } 套餐，为期 { $days } 天。
offer-tier-renews = { $tier } 套餐，每 { $days } 天自动续订，可随时取消。

order-title = 您的订单
order-invoice = 账单在下方，一小时内有效。
order-link = 请在这里付款，链接一小时内有效。
error-offer-gone = 这里暂时不出售这一项，请看 /plans。
error-offer-lower = 您现在的套餐更高：{ $tier }。
error-offer-held = 您已经有这个套餐了：{ $tier }。
error-offer-subscribed = 您已经订阅了 { $tier }。如果已经取消，到期后可以重新订阅。
error-invoice = 账单生成失败，请一分钟后再试。
error-order-unknown = 找不到这笔订单，请用 /plans 重新开始。
error-order-paid = 这笔订单已经付过了。
error-order-others = 这是别人的账单，请用 /plans 获取您自己的。
error-order-expired = 账单已过期，请用 /plans 重新获取。
error-order-changed = 内容或价格有变化，请用 /plans 查看最新的。

receipt-images = 谢谢！已加入 { $images } 张额外图片，现在共有 { $topup } 张。订单号 { $order }。
receipt-tier = 谢谢！您的 { $tier } 套餐有效期至 { $until }。订单号 { $order }。
receipt-refused = 这笔订单无法完成，款项会退还给您。订单号 { $order }。

refund-title = 已退款
refund-amount = 金额
refund-back = 收回的图片
refund-kept = 已用掉或已送出的图片
refund-waits-title = 退款已登记
refund-waits = 平台尚未退款。系统至少每小时会再试一次，您无需操作。
refund-ended = 已结束
error-refund-nothing = 订单 { $order } 没有可以退还的付款。

paysupport-title = 支付帮助
paysupport-to = 请联系 { $support }，并告知订单号。Telegram 和 Discord 的客服无法处理这里的付款。
paysupport-owner = 请联系运营这个机器人的人，并告知订单号。Telegram 和 Discord 的客服无法处理这里的付款。

terms-title = 销售条款
terms-text = 额外图片用完为止，不会过期；没画成的会退回。套餐有效期以收据上的日期为准。订阅可随时取消，取消后用到已付费的期限结束。退款请看 /paysupport。

gift-given = 已送出 { $images } 张图片，您还有 { $left } 张额外图片。
gift-received = 有人送了您 { $images } 张额外图片，现在共有 { $topup } 张。
error-gift-self = 这些图片本来就是您的。
error-gift-left =
    { $left ->
        [0] 您没有额外图片，只有额外图片可以送人。
       *[other] 您有 { $left } 张额外图片，只有这些可以送人。
    }

voucher-images = 已加入 { $images } 张额外图片，现在共有 { $topup } 张。
voucher-tier = 您的 { $tier } 套餐有效期至 { $until }。
error-voucher-unknown = 没有这个兑换码，请检查一下。
error-voucher-used = 这个兑换码已经用过了。
error-voucher-held = 您已经有这个套餐或更高的套餐，现在兑换没有作用。兑换码仍然有效。

income-sales = 销售收入（扣除手续费和退款）
income-line = { $payments } 笔，{ $amount }；手续费 { $fees }，退款 { $refunds } 笔；净 { $net }
income-margin = 计入销售后的结余

quota-slow = 用完之后
slow-possible = 还可慢速画 { $left } 张（没有别人排队时才画）
slow-chosen = 慢速继续（没有别人排队时才画），还剩 { $left } 张
slow-go-on = 慢速继续
slow-wait = 等到下个月
slow-in-chat = 要选择的话，请在 easel chat 里输入 /quota。
error-not-your-choice = 这个按钮是给别人的。请输入 /quota 自己选择。
error-quota-slow = 您本月的图片已用完或正在画，{ $resets } 会有新的额度。在那之前还可以慢速画 { $left } 张（没有别人排队时才画）。
error-refund-elsewhere = 这笔订单要在 { $platform } 上退款。收到 { $platform } 的通知后，我会收回没用掉的部分。
error-refund-away = { $platform } 目前没有连接，请在连接后再试。
