# 成本工具的中文文案。

## 规划

plan-title = 利用率 { $utilisation },每小时运维成本 { $operations }:
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
plan-tiers-title = { $card }({ $model })上的价格,每张成本 { $cost }:
plan-never = 无法保本({ $share })
plan-month-title = 这些用户在 { $card } 上的一个月:
plan-month-images = 图片
plan-month-cards = 显卡数
plan-month-utilisation = 利用率
plan-month-cost = 租金与运维
plan-month-each = 每张成本
plan-month-revenue = 收入
plan-month-profit = 结余
plan-month-free = 免费图片占比
plan-members-form = --members 的写法是 套餐=人数 或 套餐=人数x张数,而不是“{ $found }”;例如 free=400,member=70x300
plan-members-images = { $tier } 套餐没有每月额度,请写明每人张数:{ $tier }=10x3000
plan-unknown-card = 没有“{ $found }”这种显卡;可选:{ $allowed }。可在 gpus.toml 中添加。
plan-utilisation-range = --utilisation 应大于 0 且不超过 1(0.6 或 60%),而不是“{ $found }”。
plan-price-form = --price 应为每小时金额,而不是“{ $found }”。
plan-not-measured = 本机尚未测量,请先运行 `easel calibrate`。
plan-too-small = { $card }:显存连一个请求也放不下。
