# /admin 下的管理页面，以及打开它的链接。

page-link-title = 管理页面
page-link-about = 只能用一次，{ $minutes } 分钟内有效。谁打开链接并点击按钮，谁就以您的身份登录。
page-off = 管理页面没有启用：bot.toml 中 [http] 的 enabled 为 false。

page-welcome = 这个链接可以在此浏览器中打开一次管理页面。
page-enter = 打开
page-link-spent = 这个链接已经用过或已过期。请获取新的链接：在聊天中发送 /stats page，或在机器上运行 easel admin-link。
page-no-session = 您还没有登录。请获取链接：在聊天中发送 /stats page，或在机器上运行 easel admin-link。
page-form-old = 这个表单不属于您当前的登录。请返回重试。
page-nothing = 这里什么也没有。
page-left = 您已退出登录。
page-leave = 退出登录
page-back = 返回

page-now = 概览
page-costs = 成本
page-members = 成员
page-pictures = 图片

page-reload = 刷新
page-live = 每 10 秒刷新
page-pause = 暂停
page-resume = 继续
page-cancel = 取消
page-waits = 第 { $position } 位，约 { $eta }
page-queue-empty = 没有人在等。
page-failures = 失败
page-no-failures = 最近没有。
page-too-late = 这个请求已经结束了。

page-find = 账号、密钥名称或 #编号
page-search = 查找
page-tier = 套餐
page-set = 设置
page-until = 到 { $day }
page-month = 本月 { $images } 张，{ $cost }
page-banned = 已封禁
page-nobody = 没有成员。
page-table = 下载 CSV

page-show = 显示
page-no-pictures = 没有图片。

page-tabs = 标签页
page-keys = 密钥
page-alerts = 警报
page-log = 日志
page-settings = 配置

page-who = 谁
page-size = 尺寸
page-state = 状态
page-when = 时间
page-reason = 原因
page-name = 名称
page-why = 原因
page-day = 日期
page-by = 操作者
page-did = 操作
page-about = 对象
page-details = 详情
page-created = 创建于
page-prefix = 前缀
page-scopes = 权限
page-cap = 每月上限

page-money = 金额
page-time = 时间
page-outlook = 预测
page-income = 销售
page-highest = 最高 { $value }
page-waits-p95 = 等待时间（95% 在此以内）
page-images-month = 本月图片

page-until-label = 到期日（留空为永久）
page-grant-title = 额外图片
page-grant-images = 张数
page-grant = 赠送
page-ban-title = 封禁
page-ban = 封禁
page-unban = 解除封禁
page-erase-title = 清除
page-erase-about = 清除该成员的所有账号、提示词和图片，与其本人使用 /forget 相同。成本数据会保留，但不含姓名。
page-erase = 清除此成员
page-erase-question = 要清除 { $member } 的所有账号、提示词和图片吗？此操作无法撤销。
page-sure = 确定

page-picture = 一张图片
page-download = 下载
page-report = 举报所需信息
page-remove = 删除
page-remove-question = 要永久删除这张图片吗？聊天中显示它的消息会保留。
page-removed = 图片已删除。
page-drawn = 生成的图片
page-sources = 原图与蒙版
page-drawn-from = 原图
page-source = 原图
page-mask = 蒙版
page-map = 控制图
page-remove-source-question = 要永久删除这张图片吗？所有用过它的人都会失去它；由它生成的图片会保留，但无法再次生成。
page-source-needed = 还有请求要用到这张图片，或者它已不再保存。
page-too-early = 这张图片还没有送达，或者不存在。
page-earlier = 更早的图片

page-keys-title = HTTP API 密钥
page-no-keys = 没有密钥。可用 easel key create 创建。
page-key-live = 有效
page-key-revoked = 已于 { $day } 撤销
page-key-expired = 已于 { $day } 过期
page-key-gone = 没有使用该前缀的有效密钥。
page-revoke = 撤销
page-revoke-question = 要撤销密钥 { $prefix } 吗？之后使用它的人都会被拒绝。此操作无法撤销。
page-revoked = 密钥 { $prefix } 已撤销。

page-no-entries = 没有改动。
page-alerts-title = 机器人启动以来的警报
page-no-alerts = 没有。
page-settings-about = 机器人启动时从 bot.toml 读取的设置；与默认值不同的以粗体显示。令牌和密钥不在其中。
