# 成员对自己账号的操作：关联、删除账号、语言、历史、排队。

link-title = 关联账号
link-code = 十分钟内在另一个应用里输入 /link { $code }，然后两边都点“是”，两个账号就共用一份额度。
link-question = 要与 { $other } 合并吗？合并后算同一位成员，两边已用的和已购买的都会相加。
link-wait = 已记下。请到另一边输入 /link，并点“是”。
link-done = 完成，两个账号现在是同一位成员。
link-declined = 没有关联，验证码已作废。
link-yes = 是，合并
link-no = 否
unlink-title = 解除关联
unlink-question = 这会把当前账号与 { $others } 分开。分开后它是一位独立的成员，套餐和额外图片都留在另一方；本月已用的数量两边都算。
unlink-yes = 是，分开
unlink-no = 否
unlink-done = 完成，这个账号现在是独立的成员。
unlink-kept = 没有任何变化。
error-unlink-only = 这个账号没有与其他账号关联。
error-link-code = 验证码不对、已用过或已过期；请用 /link 重新生成。
error-link-own = 这是您自己的验证码，请到另一个应用里输入。
error-link-tries = 输错太多次了，请十分钟后再试。

join-done = 欢迎！
error-join-code = 邀请码不对，请向邀请您的人要最新的。

forget-title = 删除我的账号
forget-question = 这会删除您在这里的账号、所有请求和所有图片，包括已关联的应用，无法恢复。如果您再回来，本月已用的额度仍然算数。
forget-done = 已删除 { $requests } 个请求和 { $images } 张图片。之前的备份最多再保留 { $days } 天。
forget-soon = 剩余的少量数据正在清除。
forget-yes = 全部删除
forget-no = 保留
forget-kept = 什么都没有删除。

language-title = 语言
language-question = 请选择语言：
language-set = 语言已设为 { $language }。
language-auto = 跟随应用

history-title = 您的图片
history-empty = 您还没有画过图。
history-when = 时间
history-state = 状态
history-id = 编号
history-waiting = 进行中
history-kept = 已保存
history-gone = 已不再保存
history-cancelled = 已取消
history-failed = 失败
history-more = 更早

queue-title = 您的队列
queue-nothing = 您没有等待中的请求。
queue-everybody = 总共：{ $waiting } 张等待，{ $active } 张正在画，约 { $eta }的工作量。

mydata-title = 您的数据
mydata-all = 这是我保存的您的全部数据：data.json 和 { $pictures } 张图片。
mydata-some = 您的全部数据都在 data.json 里。图片共 { $all } 张，这里只放得下最新的 { $pictures } 张，其余的请在 /history 里取。
