# HTTP 接口及其密钥的用语。

api-key-missing = 请在请求头中带上密钥：“Authorization: Bearer easel_…”。
api-key-wrong = 密钥无效、已过期或已撤销。
api-metrics = 读取 /metrics 需要以 METRICS_TOKEN 作为 Bearer 令牌：“Authorization: Bearer …”。
api-scope = 此密钥不能用于此处；需要权限“{ $scope }”。
api-model = 这里没有模型“{ $found }”；可用：{ $known }。
api-not-found = 此地址没有内容。
api-link = 链接已过期或被改动；请重新请求图片。
api-method = 此地址不接受该方法。
api-too-fast = 请求过多；每分钟最多 { $limit } 次。请等待 { $wait } 秒。
api-at-once = 此密钥已有 { $limit } 个请求在进行中；请先等其中一个完成。
api-body-large = 请求过大；最多 { $limit } kB。
api-json = 请求体必须是 JSON 对象，并以 application/json 发送。
api-missing = 缺少“{ $param }”。
api-compression = “output_compression” { $found } 只适用于 jpeg 或 webp 的“output_format”；PNG 总是无损的。
api-type = “{ $param }”必须是{ $kind ->
        [integer] 整数
        [number] 数字
        [boolean] true 或 false
       *[text] 文本
    }，而不是 { $found }。
api-long = “{ $param }”最多 { $limit } 个字符。
api-range = “{ $param }”必须 { $allowed }，而不是 { $found }。
api-unknown-field-hint = 没有“{ $param }”这个字段；请用“{ $meant }”。
api-unknown-field = 没有“{ $param }”这个字段。
api-value = “{ $param }”不能是“{ $found }”。
api-choice = “{ $param }”不能是“{ $found }”；可选：{ $allowed }。
api-key-reused = 此 Idempotency-Key 已用于另一请求；请换一个。
http-cannot-listen = 无法监听 { $address }：{ $reason }

key-created = 这就是密钥，只显示这一次。在列表和日志中它是 { $prefix }。
key-none = 还没有密钥；用 `easel key create 名称` 创建。
key-unknown = 没有有效的密钥 { $prefix }；见 `easel key list`。
key-revoked = 密钥 { $prefix } 已失效。
key-expires-past = --expires 不能早于今天：“{ $found }”。
key-label-empty = 请给密钥起个名字，以便区分。
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
error-http-secret = HTTP_SECRET 太短：至少需要 { $characters } 个字符。也可以不设置，改用密钥文件。
