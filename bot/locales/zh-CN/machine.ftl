# 只有运行这台机器的人会看到：终端、日志和警报。每条都说明该怎么办。
# 成员看到的是其他文件；有测试保证其中没有机器方面的词。

error-folder = 数据文件夹 { $folder } 无法创建或写入（{ $reason }）：请让 bot.toml 中 [storage] 下的 folder 指向别处，或把它交给运行 Easel 的用户。
database-created = 已创建数据库 { $file }。
error-no-database = 还没有数据库 { $file }：请先启动一次机器人，或用 --config 指定它的 bot.toml。
error-env-encoding = { $file } 不是 UTF-8 文本：请将它另存为 UTF-8。
error-env-line = { $file } 的第 { $line } 行无法读取：请写成 NAME=value，或在行首加 #。
error-env-folder = { $file } 是一个文件夹：请把它移走，令牌要从同名的文件中读取。
error-env-closed = 无法读取 { $file }（{ $reason }）：请把它交给运行 Easel 的用户。
error-extra = 没有安装 { $module }。请带上扩展 { $extra } 重新安装 Easel，在克隆的文件夹里：pip install -e ".[{ $extra }]"
error-model = 模型 { $model } 加载不了：{ $reason } 可用 easel doctor 检查缺了什么。
model-only-one = bot.toml 里只有一个模型，--model { $found } 无从选择。
model-not-offered = 模型 { $model } 不可用，未提供给成员：{ $reason }。
models-check-parameters = { $count } 参数
models-check-later = 尚未下载
models-check-fits = { $model }：{ $kind }，{ $size }；全部常驻需要 { $needed } GB，{ $card } 可用 { $budget } GB，放得下，内存模式为 { $mode }。
models-check-short = { $model }：{ $kind }，{ $size }；全部常驻需要 { $needed } GB，{ $card } 只有 { $budget } GB 可用，任何内存模式都放不下。可以试试 quantisation = "int8"。
models-check-no-card = { $model }：{ $kind }，{ $size }；需要 { $needed } GB，这里没有用到显卡。
models-check-all = 全部模型共占 { $needed } GB，可用 { $budget } GB，全部留在显卡上。
models-check-in-turn = 全部模型共需 { $needed } GB，可用 { $budget } GB，因此轮流使用显卡；等待的模型放在内存里。
error-http-secret = HTTP_SECRET 太短：至少需要 { $characters } 个字符。也可以不设置，改用密钥文件。
run-no-token = 环境中没有 DISCORD_TOKEN，也没有 TELEGRAM_TOKEN，没有可服务的平台；在此打开终端聊天。
error-address = “{ $found }”不是地址。请写成 主机:端口，例如 127.0.0.1:8080。
loading-model = 正在加载 { $model }…
ended-at-once = 已立即退出。不会丢失任何内容：已接受的请求会在下次启动时继续。
error-out-folder = { $file } 是文件夹；请写出其中的文件名，例如 { $example }。
error-out-suffix = 图片以 PNG 格式写入；文件名请以 .png 结尾，而不是“{ $found }”。
error-out-below = 无法在 { $found } 之下写入图片：它不是文件夹。
error-out-denied = 无法把图片写入 { $file }：您在那里没有写入权限。
error-out-failed = 无法写入 { $file }（{ $reason }）；没有写入的不扣费，您可以用 --seed { $seed } 重新画出它。
error-picture-file = 无法读取 { $file }（{ $reason }）。
http-cannot-listen = 无法监听 { $address }：{ $reason } 请在 bot.toml 的 [http] 中换一个地址或端口。
api-metrics = 读取 /metrics 需要以 METRICS_TOKEN 作为 Bearer 令牌：“Authorization: Bearer …”。
key-created = 这就是密钥，只显示这一次。在列表和日志中它是 { $prefix }。
key-none = 还没有密钥；用 `easel key create 名称` 创建。
key-unknown = 没有有效的密钥“{ $prefix }”；见 `easel key list`。
key-revoked = 密钥 { $prefix } 已失效。
key-label-form = 密钥名称须为 1 到 { $limit } 个可显示的字符，以便区分。
key-cap-form = --cap 是密钥每月的费用上限，例如 50 或 12.50，须大于 0；“{ $found }”不符合。
key-prefix = 密钥
key-label = 名称
key-tier = 套餐
key-scopes = 权限
key-expires = 到期
key-cap = 每月上限
key-state = 状态
key-state-live = 有效
key-state-expired = 已过期
key-state-revoked = 已撤销
alert-engine = ⚠️ { $cause ->
        [other_process] 绘制变慢：另有进程占用 GPU。请用 nvidia-smi 找到并停掉它。
        [thermal_throttling] 绘制变慢：GPU 过热降频。请改善散热。
        [power_throttling] 绘制变慢：GPU 受功率限制。如果显卡允许，请用 nvidia-smi -pl 调高。
        [offload] 绘制变慢：权重在主机与 GPU 之间来回搬运。请腾出显存，或把 [model] 的 quantisation 设为 "int8"。
        [unknown] 绘制变慢，驱动没有给出原因。请看 /stats gpu，并在没人画图时运行 easel selftest。
        [out_of_memory] GPU 内存不足。如果再次出现，请调低 [model] 的 memory_mode 或各套餐的 max_size。
        [hung_step] 绘制卡住了，已重新开始。如果再次出现，请查看驱动的消息（dmesg）。
        [gpu_lost] GPU 不再响应。如果没有自行恢复，请重启机器。
        [stalled] GPU 空闲，任务却在等待。请重启 Easel，并附上日志反馈。
        [worker_lost] 绘制进程已退出，会由新的进程接替。原因见日志。
        [not_finite] 有几张图片是全黑的，没有扣费。请把 [model] 下的 dtype 设为 "auto"，或检查模型文件。
        [worker_aside] 一个工作节点反复出错，暂时停用。请查看那台机器的日志。
        [worker_refused] 一个工作节点被拒绝：它画出的图片与其他节点不同。请使用相同的模型、版本和 dtype。
        [no_worker] 没有可用的工作节点。请启动一个，或在日志中查看它们为何离开。
       *[other] 引擎出了问题。详情见日志。
    } { $detail }
alert-store = ⚠️ { $reason ->
        [disk_full] 磁盘已满：无法写入，因此不再接受新请求。请腾出空间，或调低 [storage] 的 keep_images_mb。
        [read_only] 数据库只读，无法写入。请检查磁盘的挂载方式和数据文件夹的所有者。
        [locked] 数据库被另一进程锁定。请停掉那个进程。
        [corrupt] 数据库已损坏。请停止 Easel，并用 easel restore 恢复备份。
       *[other] 数据库无法写入。请检查磁盘，并运行 easel check。
    } { $detail }
telegram-two-instances = 另一个进程一直在使用这个 Telegram 令牌，消息会时而到这边、时而到那边。请停掉另一个进程；如果它不是您的，说明令牌已泄露：请向 @BotFather 用 /revoke 换一个。
telegram-proxy = 无法通过这个代理访问 Telegram：{ $reason } 请使用 HTTP 代理：把 bot.toml 中 [telegram] 的 proxy 或 HTTPS_PROXY 设为 http://主机:端口，并取消 ALL_PROXY。
telegram-webhook-refused = Telegram 不接受 webhook { $url }：{ $reason }。请更正 bot.toml 中 [telegram] 的 webhook_url，或去掉它。
telegram-token-shape = 这个 TELEGRAM_TOKEN 看起来不是机器人令牌，请向 @BotFather（/mybots，您的机器人，API Token）重新复制。
telegram-bad-token = Telegram 不认识这个 TELEGRAM_TOKEN，请向 @BotFather 获取有效的令牌。
discord-token-shape = 这个 DISCORD_TOKEN 看起来不是机器人令牌，请在开发者门户（Bot → Reset Token）重新复制。
discord-bad-token = Discord 不认识这个 DISCORD_TOKEN，请在开发者门户（Bot → Reset Token）重新复制。

# LoRA，供所有者查看

lora-flaw = LoRA { $lora } 未提供：{ $flaw ->
        [missing] 没有文件 { $file }，或该文件夹里不是恰好一个 .safetensors
        [pickle] { $file } 是可能执行代码的 pickle 文件，请转换为 .safetensors
        [unreadable] { $file } 不是完整的 .safetensors 文件
        [dora] { $file } 是 DoRA，暂不支持，请使用 LoRA
        [loha] { $file } 是 LoHa，暂不支持，请使用 LoRA
        [lokr] { $file } 是 LoKr，暂不支持，请使用 LoRA
        [double-underscore] { $file } 的键以 lora_unet__（两个下划线）开头，无法判断对应的层
        [text-encoder] { $file } 还会改动文本编码器，暂不支持
        [no-peft] 没有安装 peft，它随附加组件 lora 安装
        [no-lora] { $file } 里没有 LoRA
        [other-model] { $file } 是为 [model] 以外的模型训练的
       *[other] { $file } 无法使用
    }。
control-flaw = 未使用 { $model } 的控制网络：{ $flaw ->
        [missing] 没有文件 { $file }，或该文件夹里不是恰好一个 .safetensors
        [pickle] { $file } 是 pickle 文件，可能执行代码，请转换成 .safetensors
        [unreadable] { $file } 不是完整的 .safetensors 文件
        [no-control] { $file } 里没有 Z-Image 的控制网络
        [unknown-control] { $file } 不属于任何已知的版本，无法确定各层的位置
        [no-masks] [model] 的 attention 不接受掩码，而 { $file } 需要掩码，可用 auto 或 native
        [other-model] { $file } 是为别的模型做的
       *[other] { $file } 无法使用
    }。
control-sound = { $model } 可用 { $file } 依照图片来画：{ $kinds }。
lora-refused = LoRA { $lora } 未提供：模型无法载入它（{ $reason }）。
loras-none = bot.toml 里没有配置 LoRA。
loras-file = { $lora }：强度 { $strength }，{ $file }，SHA-256 { $digest }…
