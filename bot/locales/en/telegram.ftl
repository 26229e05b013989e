# What only Telegram says.

telegram-vary = Reply to this picture with different words, and I draw them from the same seed.
telegram-vary-of = Reply to this message with different words for picture { $number }, and I draw them from the same seed.
telegram-below = See below.
telegram-menu = Choose, then reply to this message with what I should draw.
telegram-too-old = Deleted. Telegram does not let me remove messages older than two days.
telegram-words-only = I draw from words, photos and picture files (PNG, JPEG, WebP). Send /imagine and what you want to see.
telegram-reply-no-picture = You replied to something I cannot draw from. Reply to a photo or a picture file (PNG, JPEG, WebP), or send your words without a reply.
telegram-picture-words = Tell me what to make of this picture: reply to it with words, such as “as a watercolour”, or send it with a caption.
telegram-picture-lost = Telegram did not give me that picture. Try sending it again.
telegram-more = ⋯ More
telegram-less = ‹ Back
telegram-forwarded = I do not draw forwarded messages. To have this drawn, type the words yourself.
telegram-fetched = You have that one already.
telegram-album-unknown = Reply to the message with the buttons below this album instead.
telegram-kept = I am not allowed to send pictures here. Yours is saved and not charged: send /history to @{ $bot } in a private chat.
telegram-unreachable = I cannot write to you, so I drew nothing and charged nothing. Open a private chat with @{ $bot } first.
telegram-elsewhere = I draw in other topics of this group.
error-private-chat = That works in a private chat with me only.
settings-here-on = Draw only here
settings-here-off = Stop drawing here
help-telegram = In a private chat any text is a prompt. /imagine alone opens a menu. Reply to a picture of mine with other words to draw them from its seed. Send a photo with a caption, or reply to one with words, and I draw from it; in groups begin with /imagine.
telegram-hello =
    Hello! Tell me what to draw, for example:

    an orange cat on a green meadow
    a lighthouse in a storm, oil painting --size landscape

    Or send a photo and say in its caption what to make of it.

    A picture has buttons to draw it again, change its words or make it larger.
telegram-hello-menu = Choose size and style first
telegram-hello-help = All options and commands
telegram-group-hello =
    Hello! Ask me for a picture with /imagine@{ $bot } and what you want to see, for example:
    /imagine@{ $bot } an orange cat on a green meadow
telegram-plain-off = Send /imagine and what you want to see, and I draw it.
telegram-as-channel = You are writing as a channel. Write as yourself, and I draw it.
telegram-private-nobody = While you write as a group or a channel I cannot show anything to you alone. Write as yourself, or leave out --private.
