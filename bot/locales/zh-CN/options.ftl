# 除提示词外可以指定的内容：名称、用途和可选的值。
# 名称为小写且不含空格，也可以直接写在 -- 之后；说明最多 100 个字符。

opt-prompt = 提示词
opt-prompt-about = 要画什么
opt-size = 尺寸
opt-size-about = 画幅（如竖图）、比例（如 16:9）或像素（如 768x512）
opt-quality = 质量
opt-quality-about = 越精细越慢
opt-seed = 种子
opt-seed-about = 一个数字：同样的种子画出同样的图
opt-images = 张数
opt-images-about = 画几张，种子相邻
opt-negative = 反向提示词
opt-negative-about = 画面里不要出现什么，耗时加倍
opt-guidance = 引导强度
opt-guidance-about = 多严格地按提示词画；大于 0 时耗时加倍
opt-style = 风格
opt-style-about = 画面风格
opt-model = 模型
opt-model-about = 用哪个模型绘制
opt-lora = lora
opt-lora-about = 用哪些 LoRA 画、强度多少：ink:0.8, sepia
opt-steps = 步数
opt-steps-about = 去噪步数，代替质量
opt-strength = 重绘强度
opt-strength-about = 改变图片多少：0.3 略改，0.9 几乎全改
opt-area = 区域
opt-area-about = 重画图片的哪一部分：某一边、中间，或九宫格的 1 到 9
opt-expand = 扩图
opt-expand-about = 往哪一边扩展图片
opt-private = 私密
opt-private-about = 只有您看得到

area-left = 左边
area-right = 右边
area-top = 上边
area-bottom = 下边
area-centre = 中间
expand-left = 向左
expand-right = 向右
expand-up = 向上
expand-down = 向下
expand-all = 四周
size-square = 方图
size-portrait = 竖图
size-landscape = 横图
size-tall = 长图
size-wide = 宽图
size-large = 大图
quality-sketch = 速写
quality-draft = 草图
quality-standard = 标准
quality-final = 精细

help-imagine = /imagine 提示词 [选项] 画一张图：
option-values = { $about }（{ $values }）
option-range = { $about }（{ $low } 到 { $high }）
