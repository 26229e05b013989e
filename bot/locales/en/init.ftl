# easel init: questions, and the comments of the files it writes.

init-terminal = easel init asks questions, so it needs a terminal.
init-stopped = Stopped; nothing was written.
init-yes = yes
init-no = no
init-replace = { $file } is there already. Write a new one? The present one is kept as { $spare }.

init-model = Which model shall draw?
init-model-embedded = the small one that comes with Easel: no GPU, no download; for trying things out
init-model-z-image = Z-Image-Turbo: real pictures, on an NVIDIA card; downloads 20 GB at the first start
init-model-folder = a folder here that holds Z-Image-Turbo in diffusers' layout
init-model-where = The folder:
init-model-where-hint = There is no such folder.
init-card = How much memory does the card have?
init-card-found = This machine has { $name } with { $gb } GB. How much memory does the card have that shall draw?
init-card-size = { $gb } GB
init-card-none = no card, or I do not know: decide at the start

init-platforms = Where shall people ask for pictures?
init-platforms-both = Discord and Telegram
init-platforms-discord = Discord
init-platforms-telegram = Telegram
init-platforms-none = in this terminal only, for now
init-discord-how =
    Discord: at https://discord.com/developers/applications create an application, open Bot, press Reset Token.
    No privileged intent is needed.
init-telegram-how = Telegram: write /newbot to @BotFather and answer its questions; it sends you the token.
init-token = { $name } (not shown while you type; empty: later):
init-token-known = { $name } (not shown while you type; Enter keeps the present one):
init-token-later = Without a token for now; put { $name }=… into { $secrets } when you have it.
init-discord-token-hint = That is no bot token: it has three parts with dots between. Copy it from the page Bot.
init-telegram-token-hint = That is no bot token: it looks like 123456789:AA… Copy it from @BotFather's message.
init-discord-invite = Invite the bot into your server: { $link }
init-discord-owners-how = Your own user id on Discord: Settings > Advanced > Developer Mode, then right-click yourself, Copy User ID.
init-telegram-owners-how = Your own user id on Telegram: write to @userinfobot, it tells you.
init-owners = Who may see costs and change tiers (ids; empty: nobody):
init-owners-hint = Ids are numbers; put commas between several.

init-currency = Currency of prices and costs:
init-currency-hint = Three letters, such as USD, EUR or CNY.
init-currency-kept = The database in { $folder } is kept in { $kept }, and amounts of two currencies cannot be added: name another folder for { $currency }, or keep { $kept }.
init-rent = What does the machine cost an hour, in { $currency }? Rent, or power and wear (empty: do not count):
init-rent-hint = A number such as 0.35.
init-folder = Folder for the database and the pictures:
init-folder-hint = This folder cannot be made or written: name another.

init-write-settings = Write this into { $file }?
init-write-both = Write this into { $file }, and { $names } into { $secrets }, which only you can read?
init-write-into = Write this into { $file }, and { $names } into { $secrets }? Its other lines stay as they are.
init-written = Written: { $file }
init-kept = The former one is { $file }
init-not-written = Nothing was written: { $reason }
init-next = Next: easel doctor looks whether everything is in place, easel run starts the bot.

init-toml-head =
    Easel's settings, where they differ from the defaults. Every setting there is: docs/configuration.md.
    Tokens are in .env beside this file.
init-toml-language = for whoever's platform tells no language: en or zh-CN
init-toml-currency = of every price and cost, those of the tiers too
init-toml-path = embedded, a folder, or a name of the model hub
init-toml-memory = high: all resident; medium: the text encoder leaves after encoding; low: one job, offloaded
init-toml-quantisation = 8-bit weights; needs the extra gpu
init-toml-folder = the database and the pictures
init-toml-owners = account ids that may ask for costs and change tiers
init-toml-rent = what the machine costs; add an entry when it changes
