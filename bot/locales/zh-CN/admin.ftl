# 所有者和群管理员的操作。

error-date = “{ $found }”不是日期，请写成 2026-12-31 这样。
error-date-past = “{ $found }”已经过去了；请写今天或以后的日期，例如 2026-12-31。
error-server-only = 请在服务器或群里设置。
error-who = 请说明是谁：回复对方的消息、提及对方，或填写账号 ID。
error-admin = 只有本群管理员可以这样做。

admin-tier = { $member } 现在是 { $tier }。
admin-tier-until = { $member } 现在是 { $tier }，有效期至 { $until }。
admin-granted = 已赠送 { $member } { $images } 张额外图片，现共有 { $topup } 张。
admin-banned = { $member } 已被封禁，不能再画图。
admin-unbanned = { $member } 已解除封禁。
audit-title = 最近的更改
admin-paused = 已暂停：执行 /resume 之前不会开始画新的图片。
admin-paused-here = 已暂停：在运行 easel resume 或发送 /resume 之前不会开始绘制新图片。
admin-resumed = 继续画图。

queue-title-owner = 队列
queue-waiting = 等待中
queue-oldest = 最长等待
queue-work = 待处理工作量（预计）
queue-active = 正在画
queue-ended = 启动以来完成 / 失败 / 取消

gpu-title = GPU
gpu-model = 模型
gpu-device = 设备
gpu-load = 负载
gpu-temperature = 温度
gpu-power = 功率
gpu-clock = 频率
gpu-others = 其他进程
gpu-memory = 已用显存
gpu-budget = 显存预算
gpu-resident = 模型占用
gpu-models = 模型
gpu-place-device = 在设备上
gpu-place-host = 在内存里
gpu-place-disk = 在磁盘上
gpu-switches = 模型切换次数
gpu-switches-took = { $switches } 次，共 { $seconds } 秒
gpu-oom = 显存不足次数
gpu-timeouts = 卡住的步数
gpu-worker = { $state ->
        [drawing] 绘制中
        [idle] 空闲
        [draining] 正在退出
        [resting] 休息中
       *[aside] 暂时停用
    } · { $held } / { $window } · 完成 { $done }，失败 { $failed } · 每小时 { $price }
gpu-none = 没有监测数据：没有 GPU，或驱动不提供信息。

settings-title = 此处的设置
settings-channels = 频道
settings-everywhere = 所有频道
settings-roles = 身份组
settings-preview = 预览
settings-on = 开
settings-off = 关
settings-language = 语言
settings-auto = 各人自己的语言
settings-pictures = 成员自己的图片
settings-nsfw = 成人图片
settings-nsfw-block = 一律不允许
settings-nsfw-marked = 仅限平台标记为成人的频道
settings-nsfw-allow = 允许
stats-gpu = GPU 时间
cmd-stats-gpu = 显卡
cmd-stats-gpu-about = 显卡及其状态
