# easel init: questions, and the comments of the files it writes.

init-terminal = easel init asks questions, so it has to run in a terminal.
init-stopped = Stopped. Nothing was written.
init-yes = yes
init-no = no
init-replace = { $file } already exists. Write a new one? The current one is kept as { $spare }.

init-model = Which model should draw?
init-model-embedded = the small one that comes with Easel: no GPU, no download; for trying things out
init-model-hub = { $name }: real pictures, on an NVIDIA card; downloads { $size } GB at the first start
init-model-folder = a folder on this machine that holds a model in the diffusers layout
init-model-another = Another model, for members to choose by name? ({ $count } so far)
init-model-no-other = no, that is all
init-toml-default = used when no model is named
init-model-where = Folder:
init-model-where-hint = There is no such folder.
init-card = How much memory does the graphics card have?
init-card-found = This machine has { $name } with { $gb } GB. How much memory does the card that will draw have?
init-card-size = { $gb } GB
init-card-none = no card, or not sure: decide at startup

init-platforms = Where will people ask for pictures?
init-platforms-both = Discord and Telegram
init-platforms-discord = Discord
init-platforms-telegram = Telegram
init-platforms-none = in this terminal only, for now
init-discord-how =
    Discord: at https://discord.com/developers/applications create an application, open Bot and press Reset Token.
    No privileged intent is needed.
init-telegram-how = Telegram: send /newbot to @BotFather and answer its questions. It sends you the token.
init-token = { $name } (hidden while you type; leave it empty to add it later):
init-token-known = { $name } (hidden while you type; Enter keeps the current one):
init-token-later = No token for now. When you have it, put { $name }=… into { $secrets }.
init-discord-token-hint = That is not a bot token: one has three parts separated by dots. Copy it from the Bot page.
init-telegram-token-hint = That is not a bot token: one looks like 123456789:AA… Copy it from @BotFather's message.
init-discord-invite = Invite the bot to your server: { $link }
init-discord-owners-how = Your Discord user ID: turn on Settings > Advanced > Developer Mode, then right-click yourself and choose Copy User ID.
init-telegram-owners-how = Your Telegram user ID: write to @userinfobot, and it replies with it.
init-owners = Who may see costs and change tiers? User IDs (empty: nobody):
init-owners-hint = IDs are numbers; separate several with commas.

init-access = Who may have pictures drawn?
init-access-code = whoever you give an invitation code
init-access-open = everybody who finds the bot
init-access-listed = only owners, and those you list under [access] in bot.toml
init-access-how =
    The invitation code is { $code }. People send /join { $code } to the bot; on Telegram the link
    https://t.me/YOUR_BOT?start={ $code } does the same.

init-currency = Currency of prices and costs:
init-currency-hint = Three letters, such as USD, EUR or CNY.
init-currency-kept = The database in { $folder } is in { $kept }, and amounts in two currencies cannot be added up. Choose another folder for { $currency }, or keep { $kept }.
init-rent = What does the machine cost per hour, in { $currency }? Rent, or electricity and wear (empty: do not count):
init-rent-hint = Enter a number such as 0.35.
init-folder = Folder for the database and the pictures:
init-folder-hint = This folder cannot be created or written to. Choose another.

init-write-settings = Write this into { $file }?
init-write-both = Write this into { $file }, and { $names } into { $secrets }, which only you can read?
init-write-into = Write this into { $file }, and { $names } into { $secrets }? Its other lines stay as they are.
init-written = Written: { $file }
init-kept = The previous one is { $file }
init-not-written = Nothing was written: { $reason }
init-next = Next: easel doctor checks that everything is in place, and easel run starts the bot.

init-toml-head =
    Easel's settings, where they differ from the defaults. All settings: docs/configuration.md.
    Tokens are in .env, next to this file.
init-toml-language = for people whose platform does not say: en or zh-CN
init-toml-currency = of all prices and costs, including the tiers'
init-toml-path = embedded, a folder, or the name of a model on the hub
init-toml-memory = high: everything stays on the card; medium: the text encoder leaves after encoding; low: one job at a time, offloaded
init-toml-quantisation = 8-bit weights; needs the gpu extra
init-toml-folder = holds the database and the pictures
init-toml-owners = account IDs that may see costs and change tiers
init-toml-access = who may have pictures drawn: open, listed or code; see docs/configuration.md
init-toml-code = the invitation code for /join; change it once too many people know it
init-toml-rent = what the machine costs; add an entry when that changes
init-again = { $file } is here. Change it? Its values are the defaults of the questions, and what is not asked about stays. The current one is kept as { $spare }.
init-time-zone = Time zone, such as Europe/Berlin (a month's allowance ends there at midnight):
init-time-zone-hint = That is not the name of a time zone. Names are like Asia/Shanghai or UTC.
init-terms = What may members draw?
init-terms-unlimited = as many pictures as they like, free of charge and without a watermark
init-terms-allowance = free of charge, up to a number of images a month
init-terms-paid = tiers with prices of yours
init-allowance = Images a month for each member:
init-allowance-hint = Enter a whole number, such as 100.
init-price = Price of an image in the tier { $tier }, in { $currency } (empty: nothing):
init-page = Turn on the owner's page and the HTTP API, for this machine alone (http://127.0.0.1:8080)?
init-toml-time-zone = where days and months begin
init-toml-page = the owner's page and the HTTP API
init-toml-price = of an image
