# HTTP 接口及其密钥的用语。

api-key-missing = 请在请求头中带上密钥：“Authorization: Bearer easel_…”。
api-key-wrong = 密钥无效、已过期或已撤销。
api-scope = 此密钥不能用于此处；需要权限“{ $scope }”。
api-model = 这里没有模型“{ $found }”；可用：{ $known }。
api-model-near = 这里没有模型“{ $found }”，您是指 { $near } 吗？可用：{ $known }。
api-not-found = 此地址没有内容。
api-link = 链接已过期或被改动；请重新请求图片。
api-method = 此地址不接受该方法。
api-too-fast = 请求过多；每分钟最多 { $limit } 次。请等待 { $wait } 秒。
api-at-once = 此密钥已有 { $limit } 个请求在进行中；请先等其中一个完成。
api-body-large = 请求过大；最多 { $limit }。
api-json = 请求体必须是 JSON 对象，并以 application/json 发送。
api-body = 请求体必须是 multipart/form-data 表单（文件“image”和字段“prompt”），或 JSON 对象。
api-file = “{ $param }”不能是文件；图片字段是“image”和“mask”。
api-pictures-many = 一次只能用一个“{ $param }”；请只发一个。
api-picture-url = Easel 不会从网址下载图片。请直接发送“{ $param }”：作为文件，或 data: URL。
api-picture-data = “{ $param }”必须是文件，或内含 base64 图片的 data: URL。
api-missing = 缺少“{ $param }”。
api-compression = “output_compression” { $found } 只适用于 jpeg 或 webp 的“output_format”；PNG 总是无损的。
api-partials = “{ $param }”需要“stream”为 true；一次返回的结果没有预览。
api-type = “{ $param }”必须是{ $kind ->
        [integer] 整数
        [number] 数字
        [boolean] true 或 false
       *[text] 文本
    }，而不是 { $found }。
api-long = “{ $param }”最多 { $limit } 个字符。
api-least = “{ $param }”不能小于 { $least }，而收到的是 { $found }。
api-most = “{ $param }”不能大于 { $most }，而收到的是 { $found }。
api-unknown-field-hint = 没有“{ $param }”这个字段；请用“{ $meant }”。
api-unknown-field = 没有“{ $param }”这个字段。
api-edits-only = “{ $param }”属于 POST /v1/images/edits，用于根据图片作画。
api-prompt-empty = “prompt”为空，请在其中描述想要的画面。
api-value = “{ $param }”不能是“{ $found }”。
api-choice = “{ $param }”不能是“{ $found }”；可选：{ $allowed }。
api-key-reused = 此 Idempotency-Key 已用于另一请求；请换一个。

