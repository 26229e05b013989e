# 成本工具的中文文案。

## 规划

plan-title =
    1024x1024、8 步的一张图，利用率 { $utilisation }。每小时：显卡 { $rent }（按 bot.toml 的 [[rent]] 或 --price；gpus.toml 中标价的除外），运维 { $operations }。
plan-article-title = 文章中 5 GB 的模型，40 步，利用率 { $utilisation }，运维每小时 { $operations }：
plan-estimated =
    ~ 按显卡规格估算，并未实测；`easel calibrate` 可实测本机，再用 `easel plan --measured` 计算。
    high 以外的模式绘制时还要搬运权重，这里没有计入。
plan-largest = 最大尺寸
plan-seconds = 秒数
plan-card = 显卡
plan-model = 模型
plan-instances = 各一份
plan-shared = 共用一份
plan-fits = 并发
plan-hour = 张/小时
plan-rent = 租金/张
plan-cost = 成本/张
plan-tier = 套餐
plan-price = 单价
plan-margin = 成本利润率
plan-break-even = 保本利用率
plan-tiers-title = 在 { $card } 上的价格，每张成本 { $cost }：
plan-never = 无法保本（{ $share }）
plan-month-title = 这些用户在 { $card } 上的一个月：
plan-month-images = 图片
plan-month-cards = 显卡数
plan-month-utilisation = 利用率
plan-month-cost = 租金与运维
plan-month-each = 每张成本
plan-month-revenue = 收入
plan-month-profit = 结余
plan-month-free = 免费图片占比
plan-members-form = --members 的写法是 套餐=人数 或 套餐=人数x张数，而不是“{ $found }”；例如 free=400,member=70x300
plan-members-images = { $tier } 套餐没有每月额度，请写明每人张数：{ $tier }=10x3000
plan-unknown-card = “{ $found }”不能确定是哪一种显卡；可选：{ $allowed }。可在 gpus.toml 中添加。
plan-utilisation-range = --utilisation 应大于 0 且不超过 1（0.6 或 60%），而不是“{ $found }”。
plan-price-form = --price 应为每小时金额，而不是“{ $found }”。
plan-not-measured = 本机尚未测量，请先运行 `easel calibrate`。
plan-too-small = { $card }：显存太小，放不下模型。

## 报表

cost-image-real = 每张成本
cost-image-full = 满载时每张
cost-rent = 租金
cost-rent-split = 绘图中 { $busy }，空闲 { $idle }，额外耗时 { $overhead }
cost-operations = 运维
cost-margin = 结余
cost-unsuccessful = 未送达
cost-unsuccessful-split = 失败 { $failed }，取消 { $cancelled }，无法送达 { $undeliverable }
cost-refunded = 已退还
cost-free-goal = { $share }（目标 { $goal }）
cost-by-tier = 按套餐
cost-by-platform = 按平台
cost-by-model = 按模型
cost-by-size = 按尺寸
cost-by-kind = 按类型
cost-top = 用量最多
cost-group = { $images } 张，{ $gpu }
cost-forecast = 期末预测
cost-forecast-figures = { $images } 张，成本 { $cost }，收入 { $revenue }，结余 { $margin }

## 图表

chart-cost = 成本
chart-busy = 绘图中
chart-idle = 空闲
chart-overhead = 额外耗时
chart-axis-money = 金额（{ $currency }）
chart-image-title = 一张图：成本与各套餐单价
chart-price = { $tier } 单价
chart-axis-wait = 秒
chart-wait-title = 等待开始绘制
chart-tier-title = 各套餐图片，免费：{ $goal }

## 文件

cost-not-written = 无法写入 { $file }：{ $reason }
cost-no-font = 这里没有中文字体，图表用了英文；请安装 pylopdf-fonts-zh-cn 或 Noto CJK 字体。

## 建议

advice-images = 一次 { $images } 张，耗时和额度都是一张的 { $images } 倍；先画一张看看，往往就够了。
advice-seed = 想只看改动的效果，请沿用上一张图的种子：{ $seed }

## 致所有者

alert-cost-image = 最近 7 天每张成本为 { $cost }，超过了您设定的 { $limit }。原因见 /stats cost；easel plan 可比较显卡和价格。
alert-cost-idle = 最近 7 天机器空闲 { $idle }，超过了您设定的 { $limit }。也许更便宜的显卡就够了：见 easel plan。
cost-monthly =
    { $period }：{ $images } 张，成本 { $cost }；每张 { $each }，满载时 { $full }。
    收入 { $revenue }，结余 { $margin }。空闲 { $idle }，免费图片 { $free }，退还 { $refunded } 张。

## 校准

calibrate-heading = { $device } 上的 { $model }
calibrate-memory = 不同尺寸的显存
calibrate-size = 尺寸
calibrate-edge = 边长（像素）
calibrate-loaded = 权重
calibrate-peak = 峰值
calibrate-seconds = 耗时
calibrate-speed = 不同步数的耗时
calibrate-steps = 步数
calibrate-growth = 耗时增长率
calibrate-fit = 线性拟合：{ $start } 秒 + 每步 { $slope } 秒，R² { $r2 }。
calibrate-throughput = 并发
calibrate-at-once = 并发数
calibrate-hour = 张/小时
calibrate-stopped-memory = 显存放不下更多。
calibrate-stopped-throughput = 再加一路，产能不再提高。
calibrate-stopped-limit = 没有再往上试。
calibrate-going-on = 从上次中断处继续。
calibrate-done = 已写入：{ $files }
calibrate-too-small = 本机内存连一张 { $size } 的图也放不下。
calibrate-failed = 无法测量该模型：{ $reason }
calibrate-unsteady = 耗时没有随步数均匀增长，说明还有别的程序在占用本机，因此没有写入任何文件。请先停掉它（正在运行的机器人，或占用 GPU 的其他程序），再运行 easel calibrate。
alert-paid-back =
    { $platform }：订单 { $order } 的付款 { $amount } 无法兑现，正在退还：{ $why ->
        [unknown] 数据库里没有这笔订单。请确认没有恢复过旧的备份，也没有别的机器人在用这个令牌。
        [forgotten] 付款人已用 /forget 离开，无需处理。
        [banned] 付款人已被封禁，无需处理；除非您想用 /unban 解封。
        [no_tier] 对应的套餐已不在 bot.toml 里。请把套餐加回来，或者撤下这个商品。
        [price] 金额与订单不符。请确认没有别的程序在用这个令牌收款。
       *[paid] 这笔订单之前已经付过，无需处理。
    }
alert-refunded = { $platform } 自行退还了订单 { $order } 的付款 { $amount }。已收回 { $back } 张没用掉的图片，{ $kept } 张已用掉。如不清楚原因，请向 { $platform } 询问。
kind-text = 文字生成
kind-vary = 图片变体
kind-inpaint = 局部重绘
kind-enlarge = 放大
kind-edit = 按指令编辑
kind-control = 依照构图
