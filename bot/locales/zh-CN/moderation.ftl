## 提示词规则与给所有者的警报

moderation-blocked = 本机器人不画这个，没有扣费；请换个说法。
moderation-blocked-server = 本服务器屏蔽了其中一些词，没有扣费；请换个说法。
moderation-adult = 本频道不画成人内容；没有扣费。
moderation-bad-pattern = “{ $found }”不是有效的 RE2 模式：{ $why }
moderation-long-rule = 每个词或模式须有 1 到 { $limit } 个字符。
moderation-many-rules = 一个服务器最多屏蔽 { $limit } 个词或模式。
moderation-title = 本处屏蔽
moderation-words = 词
moderation-patterns = 模式
moderation-image = 图片未通过安全检查，因此不予显示；没有扣费。
moderation-image-charged = 图片未通过安全检查，因此不予显示；今天的免费退还次数已用完，因此计为一张。
