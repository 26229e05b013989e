# /admin 下的所有者页面，以及打开它的链接。

page-link-title = 所有者页面
page-link-about = 只能用一次，{ $minutes } 分钟内有效。打开链接并点击按钮的人，会以您的身份登录。
page-off = 所有者页面没有启用：bot.toml 中 [http] 的 enabled 为 false。

page-welcome = 这个链接可以在此浏览器中打开一次所有者页面。
page-enter = 打开
page-link-spent = 这个链接已经用过或已过期。请获取新的链接：在聊天中发送 /stats page，或在机器上运行 easel admin-link。
page-no-session = 您还没有登录。请获取链接：在聊天中发送 /stats page，或在机器上运行 easel admin-link。
page-form-old = 这个表单不属于您当前的登录。请返回重试。
page-nothing = 这里什么也没有。
page-left = 您已退出登录。
page-leave = 退出登录
page-back = 返回

page-now = 现在
page-costs = 成本
page-members = 成员
page-pictures = 图片

page-pause = 暂停
page-resume = 继续
page-cancel = 取消
page-waits = 第 { $position } 位，约 { $eta }
page-queue-empty = 没有人在等。
page-failures = 失败
page-no-failures = 最近没有。
page-too-late = 这个请求已经结束了。

page-find = 账号
page-search = 查找
page-tier = 套餐
page-set = 设置
page-until = 到 { $day }
page-month = 本月 { $images } 张，{ $cost }
page-banned = 已封禁
page-nobody = 没有成员。
page-table = 下载 CSV

page-show = 显示
page-no-pictures = 过去一天没有图片。
