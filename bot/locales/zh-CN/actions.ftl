## 图片下方的按钮及其回应

button-again = 再来
button-vary = 改词
button-larger = 放大
button-single = 原图
each-larger = U{ $number }
each-vary = V{ $number }
each-single = { $number }
button-details = 参数
button-delete = 删除
button-cancel = 取消
button-fetch = 取图
action-largest = 这已是该模型能画的最大尺寸。
action-largest-tier = 这已是 { $tier } 套餐允许的最大尺寸。
action-deleted = 已删除。
action-cancelling = 正在取消…
action-vary-title = 种子不变，换个描述
action-vary-prompt = 提示词
details-title = 生成参数
fact-negative = 反向提示词
fact-guidance = 引导强度
fact-model = 模型
fact-style = 风格
fact-lora = LoRA
fact-id = 编号
error-not-owner = 只有画这张图的人可以这样做。
