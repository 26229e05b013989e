## 提示词规则与给所有者的警报

moderation-blocked = 本机器人不画这个，没有扣费；请换个说法。
moderation-blocked-server = 本服务器屏蔽了其中一些词，没有扣费；请换个说法。
moderation-adult = 本频道不画成人内容；没有扣费。
moderation-bad-pattern = 无法识别模式“{ $found }”：{ $why }
moderation-long-rule = 每个词或模式须有 1 到 { $limit } 个字符。
moderation-many-rules = 一个服务器最多屏蔽 { $limit } 个词或模式。
moderation-title = 本处屏蔽
moderation-words = 词
moderation-patterns = 模式
moderation-image = 图片未通过安全检查，因此不予显示；没有扣费。
moderation-image-charged = 图片未通过安全检查，因此不予显示；今天的免费退还次数已用完，因此计为一张。
alert-engine = ⚠️ { $cause ->
        [other_process] 绘制变慢：另有进程占用 GPU。
        [thermal_throttling] 绘制变慢：GPU 过热降频。
        [power_throttling] 绘制变慢：GPU 受功率限制。
        [offload] 绘制变慢：权重在主机与 GPU 之间来回搬运。
        [unknown] 绘制变慢，驱动没有给出原因。
        [out_of_memory] GPU 内存不足。
        [hung_step] 绘制卡住了。
        [gpu_lost] GPU 不再响应。
        [stalled] GPU 空闲，任务却在等待。
        [worker_lost] 绘制进程已退出。
        [not_finite] 有几张图片是全黑的，没有扣费。请把 [model] 下的 dtype 设为 "auto"，或检查模型文件。
        [worker_aside] 一个工作节点反复出错，暂时停用。
        [worker_refused] 一个工作节点被拒绝：它画出的图片与其他节点不同。
        [no_worker] 没有可用的工作节点。
       *[other] 引擎出了问题。
    } { $detail }
alert-store = ⚠️ { $reason ->
        [disk_full] 磁盘已满：无法写入，因此不再接受新请求。
        [read_only] 数据库只读，无法写入。
        [locked] 数据库被另一进程锁定。
        [corrupt] 数据库已损坏，请恢复备份。
       *[other] 数据库无法写入。
    } { $detail }
