# Easel 的全部中文文案。每条一句话；用户输入的内容放在“引号”里。

## 拒绝

error-prompt-empty = 请告诉我要画什么，例如：/imagine 一只橘色的猫，绿色草地
error-prompt-long = 提示词有 { $length } 个字符，最多只能 { $limit } 个。
error-range = { $option }应为 { $low } 到 { $high } 之间的数字，而不是“{ $found }”。
error-range-random = { $option }应为 { $low } 到 { $high } 之间的数字，而不是“{ $found }”；不写则随机。
error-size-shape = 这里画不了“{ $wanted }”这样的画幅：长边最多是短边的 { $most } 倍。
error-no-styles = 这里没有可选的风格。
error-no-loras = 这里没有您可以使用的 LoRA。
error-loras = 看不懂“{ $found }”。请写 LoRA 的名称，用逗号分隔，例如 ink:0.8, sepia。
error-lora-twice = LoRA { $lora } 写了两次。
error-loras-many = 一张图最多使用 { $most } 个 LoRA。
error-choice = 没有“{ $found }”这种{ $option }；可选：{ $allowed }。
error-model-tier = 您的 { $tier } 套餐不能使用 { $found }；可用：{ $allowed }。
error-model-away = 目前无法使用 { $model } 画图，请换一个模型；/models 会列出全部模型。
error-choice-near = 没有“{ $found }”这种{ $option }，您是指 { $near } 吗？可选：{ $allowed }。
error-size-tier = { $wanted } 超出了 { $tier } 套餐的上限；这个比例最大为 { $largest }。
error-option = 不认识选项 --{ $option }；请看 /help。
error-option-mask = 这里没有选项 --{ $option }；要重画哪一部分，请用 --区域 指定。
error-option-near = 不认识选项 --{ $option }，您是指 --{ $near } 吗？
error-option-twice = --{ $option } 出现了两次，请只写一次。
error-option-value = --{ $option } 后面需要一个值。
error-command = 不认识 { $command }；请看 /help。
error-incomplete = 没有写全，请这样写：/{ $usage }
error-quota-used = 本月的图片额度已用完（含正在画的），{ $resets } 重置。
error-quota-short = 您想画 { $wanted } 张，但到 { $resets } 之前只剩 { $left } 张。
error-spending-cap = 此密钥已达消费上限，{ $resets } 重置。
error-banned = 您不能在这里画图。
error-banned-why = 您不能在这里画图：{ $reason }
error-access-code = 这个机器人需要邀请码。如果您有邀请码，请私聊我发送 /join 和邀请码。
error-access-listed = 这个机器人只为所有者允许的人画图。如果您认识所有者，请把您的账号 ID 告诉对方：{ $account }
error-cap-server = 本服务器今天的免费图片已用完，请明天再来。
error-cap-total = 今天的免费图片已用完，请明天再来。
error-account-young = 您的账号太新：注册满 { $days } 天后才有免费图片。
error-storage = 暂时无法保存您的请求，因此没有接受，也没有扣费；请一分钟后再试。
error-queue-yours = 您最多可以有 { $limit } 张图片在排队；请先等一些完成。
error-queue-full = 队列已满，没有扣费；请稍后再试。
error-too-large = 这个尺寸太大，这里画不了。请选小一些的。
error-memory = 这次的尺寸太大，没能画出来，没有扣费。请选小一些的。
error-draw = 画图失败，没有扣费；请再试一次。
error-draining = 我正在重启，请稍后再试。
error-draining-kept = 我正在重启；您的请求已保存，重启后马上画。
error-gone = 那张图片已不再保存。
error-owner = 只有机器人的所有者可以这样做。
error-not-yours = 那不是您的请求，或者已经结束了。
error-internal = 我这边出了问题，已记录；没有扣费。

## 提示

note-size-snapped = { $wanted } 已调整为 { $size }：边长须是 { $low } 到 { $high } 之间 { $grid } 的倍数。
note-size-shape = { $wanted } 在这里是 { $size } 像素。
note-size-tier = { $wanted } 已调整为 { $size }：这是 { $tier } 套餐的上限。
note-negative-unused = 引导强度为 0 时反向提示词不起作用；请不写引导强度，或把它设为 { $guidance }。
note-negative-unread = { $model } 不支持反向提示词，您写的反向提示词不起作用。
note-guidance-set = 反向提示词要靠引导强度才起作用，因此按 { $guidance } 绘制，耗时加倍。
note-notation = “{ $found }”是其他工具的写法，在这里只当作普通文字；请改用一句话描述画面。
note-words-unknown = 这个小模型不认识“{ $words }”，画出来的可能是别的东西。
note-steps-many = 超过 { $useful } 步耗时更长，画面几乎没有变化。
note-prompt-cut = 提示词太长，模型读不完，末尾部分没有用上。

## 进行中

status-accepted = 收到。
status-next = 下一个就是您 · 约 { $eta }
status-waiting = 排队中，前面还有 { $position } 张 · 约 { $eta }
status-paused = 等待中：画图暂时停了。您的位置会保留，恢复后自动继续。
status-unmanned = 等待中：暂时无法画图。您的位置会保留，恢复后自动继续。
status-drawing = 绘制中 { $bar } 第 { $step }/{ $steps } 步 · 还需 { $eta }
status-drawing-many = 绘制中 { $bar } 第 { $step }/{ $steps } 步，已完成 { $drawn }/{ $images } 张 · 还需 { $eta }
duration-seconds = { $seconds } 秒
duration-minutes = { $minutes } 分 { $seconds } 秒
duration-hours = { $hours } 小时 { $minutes } 分
status-finishing = 即将完成…
cancelled-refunded = 已取消，没有扣费。
cancelled-some = 已取消 { $images } 张，没有扣费。
cancelled-charged = 已取消；图片已开始绘制，且今天的免费取消次数已用完，因此计为 { $images } 张。
cancel-asked = 正在取消…
cancel-nothing = 您没有排队中的请求。
missing-images = { $missing } 张失败，没有扣费。

## 结果

fact-file = 文件
fact-size = 尺寸
fact-steps = 步数
fact-seed = 种子
fact-time = 用时
fact-gpu = GPU 时间
fact-cost = 成本
fact-left = 本月剩余
value-steps = { $run }（共 { $steps } 步）
value-seconds = { $seconds } 秒
value-cached = 之前画过，直接取用
value-left = { $left } / { $allowance } 张
line-left = 本月剩 { $left }/{ $allowance } 张
value-left-unlimited = 不限
quota-title = 您的本月额度
quota-tier = 套餐
quota-used = 已用
quota-reserved = 进行中
quota-topup = 额外图片
quota-resets = 重置日期
quota-price = 每张价格

## 统计

stats-title = 成本，{ $period }
stats-period-today = 今天
stats-period-7d = 最近 7 天
stats-period-30d = 最近 30 天
stats-period-month = 本月
stats-images = 图片
stats-uptime = 运行时间
stats-uptime-split = 绘图中 { $busy }，额外耗时 { $overhead }，空闲 { $idle }
stats-revenue = 收入
stats-free-share = 免费图片占比
stats-wait = 等待 p50 / p95
stats-draw = 绘制 p50 / p95
stats-tier = 按套餐
stats-none = 暂无

## 终端

chat-welcome = 输入文字，Easel 就画出来。/imagine 月球上的一只猫，/quota，/stats，/help；exit 或 Ctrl-D 退出。
chat-choice = 输入 { $number }：{ $label }
chat-bye = 再见。
error-chart-failed = 无法写入 { $file }（{ $reason }）。
chat-goes-on = 之前的还没完成：“{ $prompt }”，将写入 { $file }，写好才计数。
chat-bye-open = 再见。正在画的会先画完，下次打开时一并交给您。
help-typed = 输入 /imagine 和您想看的内容。
help-console = 不带命令的一行文字也是提示词。加上 --image 文件，就从那张图片画起。

models-title = 模型
models-can = 默认 { $usual }，最大 { $largest }；{ $steps } 步
models-negative = 支持反向提示词。
models-no-negative = 不支持反向提示词。
models-pictures = 附上图片时：{ $what }。
models-vary = 画变体
models-inpaint = 重画局部
models-edit = 按指令编辑
models-controls = 可依照图片的{ $what }来画。
models-edges = 轮廓
models-depth = 深度
models-pose = 姿势
models-counts = 每张图按 { $images } 张计。
models-not-yours = 您的 { $tier } 套餐不能使用。
models-how = 用选项 { $option } 选择模型；不选则由 { $default } 绘制。
