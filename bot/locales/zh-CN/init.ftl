# easel init：提问，以及写入文件的注释。

init-terminal = easel init 需要提问，请在终端中运行。
init-stopped = 已停止；没有写入任何文件。
init-yes = 是
init-no = 否
init-replace = { $file } 已存在。要写一份新的吗？现有的会保留为 { $spare }。

init-model = 用哪个模型画图？
init-model-embedded = Easel 自带的小模型：不需要 GPU，不用下载；用来试用
init-model-hub = { $name }：真正的图片，需要 NVIDIA 显卡；首次启动时下载 { $size } GB
init-model-folder = 本机上的一个文件夹，里面是 diffusers 格式的模型
init-model-another = 再加一个模型，供成员按名称选择？（已有 { $count } 个）
init-model-no-other = 不用了
init-toml-default = 不指定模型时用这个
init-model-where = 文件夹：
init-model-where-hint = 没有这个文件夹。
init-card = 显卡有多少显存？
init-card-found = 本机有 { $name }，显存 { $gb } GB。用来画图的显卡有多少显存？
init-card-size = { $gb } GB
init-card-none = 没有显卡，或不清楚：启动时再决定

init-platforms = 大家在哪里使用？
init-platforms-both = Discord 和 Telegram
init-platforms-discord = Discord
init-platforms-telegram = Telegram
init-platforms-none = 暂时只在本终端
init-discord-how =
    Discord：在 https://discord.com/developers/applications 新建应用，打开 Bot 页面，点击 Reset Token。
    不需要任何特权 intent。
init-telegram-how = Telegram：给 @BotFather 发送 /newbot 并回答它的问题，它会把令牌发给您。
init-token = { $name }（输入时不显示；留空：以后再填）：
init-token-known = { $name }（输入时不显示；直接回车保留现有的）：
init-token-later = 暂时没有令牌；拿到后请把 { $name }=… 写入 { $secrets }。
init-discord-token-hint = 这不是机器人令牌：它由三段组成，用点隔开。请从 Bot 页面复制。
init-telegram-token-hint = 这不是机器人令牌：它形如 123456789:AA… 请从 @BotFather 的消息中复制。
init-discord-invite = 邀请机器人加入您的服务器：{ $link }
init-discord-owners-how = 您自己的 Discord 用户 ID：设置 > 高级 > 开发者模式，再右键点自己，复制用户 ID。
init-telegram-owners-how = 您自己的 Telegram 用户 ID：给 @userinfobot 发消息，它会告诉您。
init-owners = 谁可以查看成本、管理套餐？请填用户 ID（留空：没有人）：
init-owners-hint = ID 是数字；多个之间用逗号隔开。

init-access = 谁可以画图？
init-access-code = 收到邀请码的人
init-access-open = 找到机器人的任何人
init-access-listed = 只有所有者，以及您列在 bot.toml 的 [access] 中的人
init-access-how =
    邀请码是 { $code }。把 /join { $code } 发给机器人即可加入；在 Telegram 上也可以打开链接
    https://t.me/您的机器人?start={ $code }。

init-currency = 价格和成本的货币：
init-currency-hint = 三个字母，例如 USD、EUR 或 CNY。
init-currency-kept = { $folder } 中的数据库以 { $kept } 记账，两种货币的金额不能相加：要用 { $currency } 请换一个文件夹，否则请保留 { $kept }。
init-rent = 机器每小时多少 { $currency }？租金，或电费与折旧（留空：不计）：
init-rent-hint = 一个数字，例如 0.35。
init-folder = 数据库和图片的文件夹：
init-folder-hint = 这个文件夹无法创建或写入：请换一个。

init-write-settings = 写入 { $file } 吗？
init-write-both = 把以上内容写入 { $file }，并把 { $names } 写入只有您能读取的 { $secrets } 吗？
init-write-into = 把以上内容写入 { $file }，并把 { $names } 写入 { $secrets } 吗？其他行保持不变。
init-written = 已写入：{ $file }
init-kept = 原来的文件保留为 { $file }
init-not-written = 没有写入任何文件：{ $reason }
init-next = 下一步：easel doctor 检查是否一切就绪，easel run 启动机器人。

init-toml-head =
    Easel 的设置，只列出与默认值不同的。全部设置见 docs/configuration.md。
    令牌在旁边的 .env 文件中。
init-toml-language = 平台没有告知语言时使用：en 或 zh-CN
init-toml-currency = 所有价格和成本（包括套餐价格）的货币
init-toml-path = embedded、一个文件夹，或模型库中的名称
init-toml-memory = high：全部常驻；medium：编码后移走文本编码器；low：一次一个任务，按需搬运
init-toml-quantisation = 8 位权重；需要扩展 gpu
init-toml-folder = 数据库和图片
init-toml-owners = 可以查看成本、管理套餐的账号 ID
init-toml-access = 谁可以画图：open、listed 或 code；见 docs/configuration.md
init-toml-code = 供 /join 使用的邀请码；流传开了就在这里更换
init-toml-rent = 机器的成本；变动时再加一条
init-again = 已有 { $file }。要修改它吗？其中的值是各个问题的默认值，没有问到的保持不变。现有的文件会保留为 { $spare }。
init-time-zone = 时区，例如 Asia/Shanghai（每月的额度在那里的午夜重置）：
init-time-zone-hint = 没有这个时区。名称形如 Asia/Shanghai 或 UTC。
init-terms = 成员可以画多少？
init-terms-unlimited = 随便画：不收费，不加水印
init-terms-allowance = 不收费，但每月张数有限
init-terms-paid = 分套餐，价格由您定
init-allowance = 每位成员每月几张图：
init-allowance-hint = 请输入整数，例如 100。
init-price = 套餐 { $tier } 每张图的价格，以 { $currency } 计（留空：免费）：
init-page = 打开管理页面和 HTTP API 吗？仅限本机（http://127.0.0.1:8080）
init-toml-time-zone = 每天、每月以哪里的午夜为准
init-toml-page = 管理页面和 HTTP API
init-toml-price = 每张图
