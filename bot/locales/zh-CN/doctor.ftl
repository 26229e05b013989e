# easel doctor：每项检查的结果，以及该怎么办（同一 id 加 -do）。

doctor-all-well = 一切正常。
doctor-summary = { $problems } 个问题，{ $warnings } 个警告。
doctor-stumbled = 有一项检查无法进行：{ $reason }
doctor-stumbled-do = 解决后再运行 easel doctor。

doctor-python = Python { $version }
doctor-python-do = 安装 Python { $oldest } 或更新版本，再把 Easel 装进去。
doctor-torch-none = 无法导入 torch：{ $reason }
doctor-torch-none-do = 在全新的虚拟环境中重新安装 Easel（在代码目录里 make install，或用 wheel）。
doctor-torch-cpu = torch { $version }，CPU 版
doctor-torch-cuda = torch { $version }，CUDA { $cuda } 版
doctor-card = { $name }，驱动 { $driver }
doctor-card-cpu = 没有 NVIDIA 驱动；自带模型在 CPU 上画。
doctor-card-unused = 按 bot.toml 用 CPU 画，不检查 GPU。
doctor-card-unknown = torch 看到一块 NVIDIA 驱动不知道的 GPU；可以画，但没有监测数据。
doctor-card-none = 没有 NVIDIA 驱动，而这个模型需要 GPU。
doctor-card-none-do = 请安装驱动，让 nvidia-smi 能显示显卡；容器需要 --gpus all。没有显卡想试用：在 [model] 下设 path = "embedded"。
doctor-card-cpu-torch = 有 { $name }，但这个 torch 是 CPU 版。
doctor-card-cpu-torch-do = 按 https://pytorch.org/get-started/locally 安装与驱动相配的 CUDA 版。
doctor-card-unseen = 有 { $name }（驱动 { $driver }），但 CUDA { $cuda } 版的 torch 看不到它：{ $reason }
doctor-card-unseen-do = 更新驱动，或安装用于较旧 CUDA 的 torch；看看 CUDA_VISIBLE_DEVICES 是否隐藏了显卡。
doctor-elsewhere = 由其他机器画图（backend = "{ $backend }"），不检查本机的 GPU。
doctor-memory = 显存模式 { $mode }：普通图片需要 { $budget } GB 中的 { $needed } GB。
doctor-memory-short = 显存模式 { $mode } 画普通图片需要 { $needed } GB，只有 { $budget } GB。
doctor-memory-short-do = 在 [model] 下设 memory_mode = "auto"；仍不够就设 quantisation = "int8"。
doctor-memory-large = 显存模式 { $mode } 下，套餐允许的最大图片需要 { $needed } GB，而可用只有 { $budget } GB，因此会被拒绝。
doctor-memory-large-do = 在 bot.toml 中降低套餐的 max_size，或选更低的 memory_mode。
doctor-memory-held = 显卡只剩 { $free } GB，普通图片需要 { $needed } GB。
doctor-memory-held-do = 用 nvidia-smi 看哪个进程占用了显存并结束它；否则任务要等到有空间。

doctor-model = { $name } 的文件齐全。
doctor-model-later = { $name } 还没有下载；首次启动时会下载约 { $size } GB。
doctor-model-later-do = 想提前下载：hf download { $name }
doctor-model-no-room = { $name } 还没有下载：约需 { $size } GB，而可用空间只有 { $free } GB。
doctor-model-no-room-do = 腾出 { $needed } GB，或让 HF_HOME 指向更大磁盘上的文件夹。
doctor-models-do = 请修改 bot.toml 中 [models.NAME] 的 path，或去掉这个模型。easel models check 会逐个说明。
doctor-model-nowhere = 模型文件夹 { $folder } 不存在。
doctor-model-nowhere-do = 让 bot.toml 中 [model] 下的 path 指向一个存在的文件夹（写完整路径，不用 ~），或模型库中的名称。
doctor-model-gaps = { $folder } 缺少 { $files }。
doctor-model-gaps-do = 重新下载模型，或让 [model] 下的 path 指向 diffusers 格式的文件夹。
doctor-disk = { $folder }：磁盘可用 { $free } GB。
doctor-disk-full-do = 请腾出空间：无法保存的请求不会被接受。
doctor-disk-short-do = 图片还可能占用 { $wanted } GB：降低 [storage] 下的 keep_images_mb，或腾出空间。
doctor-folder = 只有本用户能读取 { $folder }。
doctor-folder-new = { $folder } 会在首次启动时创建。
doctor-folder-closed = 无法写入 { $folder }。
doctor-folder-closed-do = 把它交给运行 Easel 的用户：chown -R USER { $folder }
doctor-folder-nowhere = 没有文件夹 { $folder }，也无法在那里创建。
doctor-folder-nowhere-do = 为运行 Easel 的用户创建它，或让 bot.toml 中 [storage] 下的 folder 指向别处。
doctor-folder-open = 本机的所有用户都能查看 { $folder }。
doctor-folder-open-do = chmod 700 { $folder }
doctor-env = { $file } 只有所有者能读。
doctor-env-none = 这里没有 .env；令牌来自环境变量。
doctor-env-open = 本机的其他用户能读到 { $file } 中的令牌。
doctor-env-open-do = chmod 600 { $file }；如果有陌生人在此有账号，还应换新令牌。

doctor-database = 数据库完好，额度、任务和账本一致。
doctor-database-new = 还没有数据库；首次启动时创建。
doctor-key-do = 在此之前机器人无法启动。
doctor-currency = 账本以 { $kept } 记账，而 bot.toml 写的是 { $configured }：机器人无法启动。
doctor-currency-do = 把 currency 改回 "{ $kept }"，或用 storage.folder 指定新文件夹重新记账。
doctor-database-broken = 数据库内容前后不一致（{ $count } 处）：{ $sentences }
doctor-database-broken-do = 停止机器人，把数据文件夹另存一份，查看 easel check；要恢复，用 easel restore 和最近的完好备份。
doctor-lora = LoRA { $lora } 可以使用。
doctor-control-do = 请看 docs/control.md；解决之前，模型不会用到它。
doctor-lora-do = 请在 bot.toml 的 [loras] 下换一个文件，或去掉这一个。

doctor-clock = 时钟没有倒退。
doctor-clock-back = 时钟落后于此前写入的内容。
doctor-clock-agrees = 时钟与 { $platform } 一致。
doctor-clock-skew = 时钟与 { $platform } 相差 { $seconds } 秒。
doctor-clock-do = 打开时间同步：timedatectl set-ntp true
doctor-port = { $address } 空闲。
doctor-port-running = { $address } 已占用，这是正常的：机器人正在运行。
doctor-port-taken = 无法在 { $address } 上监听：{ $reason }
doctor-port-taken-do = 在 bot.toml 中修改 { $setting }，或结束占用它的程序（ss -ltnp 可以看到）。
doctor-http = HTTP API 的设置是安全的。
doctor-http-plain = HTTP API 的地址是 { $url }，途中任何人都能读到密钥。
doctor-http-plain-do = 在前面放一个带 TLS 的代理，并让 [http] 下的 public_url 以 https:// 开头。
doctor-http-proxies = HTTP API 前面的代理不在 trusted_proxies 中：限流会把所有客户端当成一个。
doctor-http-proxies-do = 在 [http] 下的 trusted_proxies 中写上代理的地址。
doctor-http-bare = HTTP API 在 { $address } 上监听，没有 TLS。
doctor-http-bare-do = 在 [http] 下设 listen = "127.0.0.1"，前面放一个带 TLS 的代理；只有在容器或私有网络中才可以保持现状。
doctor-http-links = HTTP API 在 { $address } 上监听，但没有设置 public_url，图片链接会指向 { $url }。
doctor-http-links-do = 在 [http] 下把 public_url 设为客户端使用的地址。

doctor-token-none = 没有任何平台的令牌；easel run 会在本终端打开聊天。
doctor-token-none-do = 运行 easel init，或设置 DISCORD_TOKEN 或 TELEGRAM_TOKEN。
doctor-token = { $platform } 的令牌看起来正确，机器人 { $id }。
doctor-token-invite = { $platform } 的令牌看起来正确。邀请机器人：{ $link }
doctor-token-shape = { $platform } 的令牌看起来不对。
doctor-token-shape-discord-do = 重新复制：discord.com/developers/applications，您的应用，Bot，Reset Token。
doctor-token-shape-telegram-do = 从 @BotFather 重新复制：/mybots，您的机器人，API Token。
doctor-library = 需要 { $name }，但没有安装它的库。
doctor-library-do = 请带上扩展 { $extra } 重新安装 Easel，在克隆的文件夹里：pip install -e ".[{ $extra }]"
doctor-online = { $platform } 接受 { $name } 的令牌：{ $link }
doctor-online-refused = { $platform } 不接受这个令牌。
doctor-online-refused-do = 它已被重置或有误：从 { $platform } 获取新的令牌，写入 .env。
doctor-online-unreachable = 无法连接 { $platform }（{ $reason }）。
doctor-online-unreachable-do = 请检查网络、DNS 和防火墙。如果要经过代理，请设置 HTTPS_PROXY，或 bot.toml 中 [discord] 和 [telegram] 的 proxy。

selftest-load = 加载模型
selftest-weights = 权重
selftest-picture = 一张 { $about } 的图
selftest-pipeline = 与 diffusers 自己的管线画同一张图
selftest-together = 一次前向计算同时画多张图
selftest-encoder = 文本编码器卸载后重新载入
selftest-telemetry = 驱动的统计与分配器的占用
selftest-memory = 显存不足
selftest-lost = 工作进程意外退出
selftest-stopped = 工作进程停住
selftest-do-nothing = 无需处理。
selftest-do-cannot = 无需处理：这里无法检查这一项。
selftest-do-report = 请反馈：附上报告和日志新建一个 issue。
selftest-do-profile = 引擎会自己学到。仍请反馈，好让我们修正配置。
selftest-do-alone = 在 [engine] 中设置 max_active = 1，并反馈。
selftest-do-driver = 绘图不受影响，但看不到其他进程和温度。请检查 nvidia-smi 能否运行。
selftest-do-neighbour = 别的程序占用了显存，请看 nvidia-smi。
selftest-do-restart = 请让 systemd 或 compose 自动重启机器人（这样也会换掉坏的工作进程），并反馈。
selftest-written = 报告在 { $files }。反馈问题时请附上这两个文件。
selftest-cannot = 自检无法开始：{ $reason }
