# What only whoever runs the machine reads: at its terminal, in its log, in alerts. Each says what to do.
# Members read the other files; a test keeps the machine's words out of them.

error-folder = The data folder { $folder } cannot be created or written ({ $reason }). Set folder under [storage] in bot.toml to another one, or give it to the user who runs Easel.
database-created = Created the database { $file }.
error-no-database = There is no database { $file } yet. Start the bot once, or name its bot.toml with --config.
error-env-encoding = { $file } is not UTF-8 text. Save it as UTF-8.
error-env-line = Line { $line } of { $file } cannot be read. Write NAME=value, or put # in front of it.
error-env-folder = { $file } is a folder, but tokens are read from a file of that name. Move the folder away.
error-env-closed = { $file } cannot be read ({ $reason }). Give it to the user who runs Easel.
error-extra = { $module } is not installed. Reinstall Easel with the extra { $extra }, from the clone: pip install -e ".[{ $extra }]"
error-model = The model { $model } does not load: { $reason } easel doctor checks what is missing.
model-only-one = There is one model in bot.toml, so --model { $found } chooses nothing.
model-not-offered = The model { $model } is not offered: { $reason }.
models-check-parameters = { $count } parameters
models-check-later = not downloaded yet
models-check-fits = { $model }: { $kind }, { $size }. With everything resident it needs { $needed } GB; { $budget } GB of { $card } may be used, so it fits, in memory mode { $mode }.
models-check-short = { $model }: { $kind }, { $size }. With everything resident it needs { $needed } GB; { $budget } GB of { $card } may be used, which is too little in any memory mode. Try quantisation = "int8".
models-check-no-card = { $model }: { $kind }, { $size }. It needs { $needed } GB; no card is used here.
models-check-all = All of them together take { $needed } GB of { $budget } GB, so all stay on the card.
models-check-in-turn = All of them together would take { $needed } GB of { $budget } GB, so they take turns on the card; those that wait are kept in main memory.
error-http-secret = HTTP_SECRET is too short: it needs at least { $characters } characters. Leave it out, and the key file is used.
run-no-token = There is no DISCORD_TOKEN and no TELEGRAM_TOKEN, so there is no platform to serve. Opening the chat here.
error-address = “{ $found }” is not an address. Write HOST:PORT, such as 127.0.0.1:8080.
loading-model = Loading { $model }…
ended-at-once = Stopped at once. Nothing is lost: accepted requests continue at the next start.
error-out-folder = { $file } is a folder. Name a file in it, such as { $example }.
error-out-suffix = Pictures are written as PNG, so the name must end in .png, not “{ $found }”.
error-out-below = No picture can be written below { $found }, because it is not a folder.
error-out-denied = You are not allowed to write to { $file }.
error-out-failed = { $file } could not be written ({ $reason }). It is not charged, and --seed { $seed } draws it again.
error-picture-file = { $file } cannot be read ({ $reason }).
http-cannot-listen = Cannot listen on { $address }: { $reason } Choose another address or port under [http] in bot.toml.
api-metrics = /metrics needs METRICS_TOKEN as a bearer token: “Authorization: Bearer …”.
key-created = This is the only time the key is shown. Lists and logs call it { $prefix }.
key-none = There are no keys yet. Create one with `easel key create NAME`.
key-unknown = There is no valid key “{ $prefix }”. `easel key list` shows them all.
key-revoked = Key { $prefix } no longer works.
key-label-form = A key's name must be 1 to { $limit } printable characters, so that you can tell it from others.
key-cap-form = --cap is the most a key may cost per month, such as 50 or 12.50, and above 0; “{ $found }” is not.
key-prefix = Key
key-label = Name
key-tier = Tier
key-scopes = Scopes
key-expires = Expires
key-cap = Monthly cap
key-state = State
key-state-live = valid
key-state-expired = expired
key-state-revoked = revoked
alert-engine = ⚠️ { $cause ->
        [other_process] Drawing is slow: another process is on the GPU. Find it with nvidia-smi and stop it.
        [thermal_throttling] Drawing is slow: the GPU is too hot and has lowered its clock. Improve its cooling.
        [power_throttling] Drawing is slow: the GPU is held back by a power limit. Raise it with nvidia-smi -pl, if the card may have more.
        [offload] Drawing is slow: weights are moved between host memory and GPU. Free memory on the card, or set quantisation = "int8" under [model].
        [unknown] Drawing is slow, and nothing that the driver reports explains it. Look at /stats gpu, and run easel selftest when nobody draws.
        [out_of_memory] The GPU ran out of memory. If this comes again, lower memory_mode under [model] or max_size of the tiers.
        [hung_step] Drawing hung and is started anew. If this comes again, look at the driver's messages (dmesg).
        [gpu_lost] The GPU no longer answers. If it does not come back by itself, restart the machine.
        [stalled] Jobs wait although the GPU is idle. Restart Easel, and report it with the log.
        [worker_lost] The drawing process has died, and another takes its place. The log says how it ended.
        [not_finite] Several pictures came out black and were not charged. Set dtype = "auto" under [model], or check the model's files.
        [worker_aside] A worker keeps failing and is set aside for a while. Look at the log of its machine.
        [worker_refused] A worker was refused: its pictures differ from those of the others. Give it the same model, versions and dtype.
        [no_worker] No worker is available. Start one, or find out in the log why they left.
       *[other] Something is wrong with the engine. The log says what.
    } { $detail }
alert-store = ⚠️ { $reason ->
        [disk_full] The disk is full: nothing can be saved, so no new requests are taken. Free some space, or lower keep_images_mb under [storage].
        [read_only] The database cannot be written: it is read-only. Check how the disk is mounted and who owns the data folder.
        [locked] The database is locked by another process. Stop that process.
        [corrupt] The database is corrupt. Stop Easel and restore a backup with easel restore.
       *[other] The database cannot be written. Check the disk, and run easel check.
    } { $detail }
telegram-two-instances = Another process keeps using this Telegram token, so messages reach now one, now the other. Stop the other process; if none is yours, the token has leaked: get a new one from @BotFather (/revoke).
telegram-proxy = Telegram cannot be reached through this proxy: { $reason } Use an HTTP proxy: set [telegram] proxy in bot.toml, or HTTPS_PROXY, to http://HOST:PORT, and unset ALL_PROXY.
telegram-webhook-refused = Telegram does not take the webhook { $url }: { $reason }. Correct webhook_url under [telegram] in bot.toml, or leave it out.
telegram-token-shape = This TELEGRAM_TOKEN does not look like a bot token; copy it again from @BotFather (/mybots, your bot, API Token).
telegram-bad-token = Telegram does not know this TELEGRAM_TOKEN; get a valid one from @BotFather.
discord-token-shape = This DISCORD_TOKEN does not look like a bot token; copy it again from the Developer Portal (Bot, Reset Token).
discord-bad-token = Discord does not accept this DISCORD_TOKEN; copy a valid one from the Developer Portal (Bot, Reset Token).

# LoRAs, for the owner

lora-flaw = The LoRA { $lora } is not offered: { $flaw ->
        [missing] there is no file { $file }, or not exactly one .safetensors in that folder
        [pickle] { $file } is a pickle, which could run code; convert it to .safetensors
        [unreadable] { $file } is not a whole .safetensors file
        [dora] { $file } is a DoRA, which is not supported; a LoRA is
        [loha] { $file } is a LoHa, which is not supported; a LoRA is
        [lokr] { $file } is a LoKr, which is not supported; a LoRA is
        [double-underscore] the keys of { $file } begin with lora_unet__, with two underscores, from which its layers cannot be told
        [text-encoder] { $file } changes the text encoder too, which is not supported
        [no-peft] peft is not installed, which the extra lora brings
        [no-lora] { $file } holds no LoRA
        [other-model] { $file } was trained for another model than [model] names
       *[other] { $file } cannot be used
    }.
control-flaw = The control network of { $model } is not used: { $flaw ->
        [missing] there is no file { $file }, or not exactly one .safetensors in that folder
        [pickle] { $file } is a pickle, which could run code; convert it to .safetensors
        [unreadable] { $file } is not a whole .safetensors file
        [no-control] { $file } holds no control network of Z-Image
        [unknown-control] { $file } is from no release that Easel knows, so it cannot tell where the layers belong
        [no-masks] attention under [model] is a back end that refuses masks, which { $file } needs; auto and native take them
        [other-model] { $file } was made for another model
       *[other] { $file } cannot be used
    }.
control-sound = { $model } can follow a picture with { $file }: { $kinds }.
lora-refused = The LoRA { $lora } is not offered: the model cannot load it ({ $reason }).
loras-none = bot.toml names no LoRAs.
loras-file = { $lora }: strength { $strength }, { $file }, SHA-256 { $digest }…
