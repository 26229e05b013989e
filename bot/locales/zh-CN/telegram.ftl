# 只有 Telegram 会说的话。

telegram-vary = 用新的描述回复这张图片，就会用同一个种子重新画。
telegram-vary-of = 请回复本消息，写下第 { $number } 张的新描述，我会用同一个种子来画。
telegram-below = 见下方。
telegram-menu = 先选择，再回复这条消息，告诉我画什么。
telegram-too-old = 已删除。两天前的消息，Telegram 不让我移除。
telegram-words-only = 我根据文字、照片或图片文件（PNG、JPEG、WebP）画图。请发送 /imagine 和您想看的内容。
telegram-reply-no-picture = 您回复的内容不能用来画图。请回复照片或图片文件（PNG、JPEG、WebP），或者不回复、直接发送文字。
telegram-picture-words = 请告诉我怎么改这张图：回复它并写上文字，例如“改成水彩画”，或者发图时附上说明。
telegram-picture-lost = Telegram 没有把这张图片给我，请再发一次。
telegram-more = ⋯ 更多
telegram-less = ‹ 返回
telegram-forwarded = 转发的消息我不画。想画的话，请自己输入文字发给我。
telegram-fetched = 这张您已经拿到了。
telegram-album-unknown = 请改为回复这组图片下面带按钮的那条消息。
telegram-kept = 我不能在这里发图片。您的图片已保存，没有扣费：请私聊 @{ $bot } 发送 /history 来取。
telegram-unreachable = 我无法给您发消息，所以没有画，也没有扣费。请先打开与 @{ $bot } 的私聊。
telegram-elsewhere = 我在本群的其他话题里画图。
error-private-chat = 此功能只能在与我的私聊中使用。
settings-here-on = 只在这里画图
settings-here-off = 不再在这里画图
help-telegram = 私聊里任何文字都是描述。单独发 /imagine 会打开菜单。用新的描述回复我的图片，就会用它的种子来画。发一张图并附上说明，或用文字回复一张图，我就在它的基础上画；在群里请以 /imagine 开头。
telegram-hello =
    您好！告诉我画什么，例如：

    一只橘色的猫，绿色草地
    暴风雨中的灯塔，油画 --尺寸 横图

    也可以发一张图片，在说明里写上怎么改。

    图片下方有按钮，可以再画一张、换个说法或放大。
telegram-hello-menu = 先选尺寸和风格
telegram-hello-help = 全部选项和命令
telegram-group-hello =
    大家好！想要图片，请发送 /imagine@{ $bot } 和想看的内容，例如：
    /imagine@{ $bot } 一只橘色的猫，绿色草地
telegram-plain-off = 请发送 /imagine 和您想看的内容，我就画出来。
telegram-as-channel = 您正在以频道的身份发言。请用自己的身份发送，我就画出来。
telegram-private-nobody = 您以群组或频道的身份发言时，我无法只给您一个人看。请用自己的身份发送，或去掉 --私密。
