## 成员自己的图片

error-picture-bytes = 这张图片超过 { $mb } MB，请发小一点的。
error-picture-kind = 我能读 PNG、JPEG 和 WebP 图片，这个文件是 { $kind }。
error-picture-none = 这个文件不是图片。我能读 PNG、JPEG 和 WebP。
error-picture-damaged = 这张图片已损坏或不完整，请重新保存或再发一次。
error-picture-pixels = 这张图片超过 { $most } 百万像素，请发小一点的。
error-picture-small = 这张图片是 { $size } 像素，每边至少要有 { $least } 像素。
error-picture-shape = 这张图片是 { $size } 像素，长边最多是短边的 { $most } 倍。
error-mask-empty = 这张蒙版没有标出要重画的地方。请把那一块涂成白色，或设为透明。
note-picture-cropped = 您的图片裁成了 { $size }。
note-picture-scaled = 为了在周围留出空间，您的图片已从 { $was } 缩放到 { $now }。
note-picture-frame = 只用了图片的第一帧。
note-picture-cmyk = 您的图片是印刷用的 CMYK，屏幕上的颜色会略有不同。
note-picture-deep = 您的图片降到了每通道 8 位。
note-picture-white = 图片中透明的部分按白色处理。
error-picture-tier = 您的 { $tier } 套餐不能使用自己的图片。
error-picture-server = 这里的管理员不允许使用自己的图片；我画的图片仍然可以用。
error-picture-gone = 这张图所依据的图片已不再保存，请重新发送。
error-picture-needed = { $option }说明怎样处理图片，请附上一张图片。
error-mask-shape = 蒙版的长宽比必须与图片相同。
error-mask-area = 蒙版、重画区域和扩图方向只能选一个。
note-edited = 已按您的文字编辑这张图片。
note-varied = { $model } 会画出图片的变体，不能按指令编辑。
note-strength-unread = { $model } 按指令编辑，强度不起作用。
error-workflow-vary = { $model } 不能根据图片作画。
error-workflow-inpaint = { $model } 不能重画图片的一部分。
error-workflow-enlarge = { $model } 不能放大图片。
moderation-picture = 这张图片不能在这里使用。

## 依照图片的构图

error-control-none = { $model } 不能依照图片的轮廓、深度或姿势来画。
error-control-kind = { $model } 不能依照{ $found }来画，可选：{ $allowed }。
error-control-two = 一次只能依照一种构图：轮廓、深度或姿势。
error-control-missing = 构图强度是说依照得多严格，请同时用“构图”说明依照什么。
error-control-alone = 使用“构图”时只用到图片的控制图，请去掉{ $option }。
error-control-again = 这张图片只保存了控制图，要换一种用法，请重新发送图片。
error-control-nothing-edges = 在这张图片里没有找到轮廓。
error-control-map-depth = 请发送深度图（灰度，越近越亮），这里不能由照片生成。
error-control-map-pose = 请发送 OpenPose 样式的姿势图（黑底彩色），这里不能由照片生成。
fact-control = 构图
value-control = { $control }，{ $strength }

## 对结果可以做什么

button-redraw = 重画大图
button-subtle = 微变
button-strong = 大变
button-area = 局部
button-wider = 拉远
each-redraw = R{ $number }
action-area-title = 重画一部分
action-area = 按编号选择要重画的部分。
action-area-prompt = 那里画什么
fact-strength = 重绘强度
fact-area = 区域
fact-expand = 扩图

## Discord

cmd-edit = 编辑图片
discord-no-picture = 那条消息里没有图片。
discord-not-downloaded = Discord 没能提供这张图片，请稍后再试。
action-edit-title = 编辑图片
action-edit-prompt = 要变成什么
action-edit-strength = 重绘强度
action-edit-area = 区域
action-edit-mask = 蒙版
action-edit-control = 依照
opt-picture = 图片
opt-picture-about = 依据哪张图片作画
opt-mask = 蒙版
opt-mask-about = 与图片同样大小，要重画的地方为白色或透明
