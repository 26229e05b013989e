# easel doctor: what each check found, and what to do about it (the same id with -do).

doctor-all-well = All is well.
doctor-summary =
    { $problems ->
        [0] No problem
        [one] 1 problem
       *[other] { $problems } problems
    }, { $warnings ->
        [0] no warning.
        [one] 1 warning.
       *[other] { $warnings } warnings.
    }
doctor-stumbled = A check could not be made: { $reason }
doctor-stumbled-do = Put that right, and run easel doctor again.

doctor-python = Python { $version }
doctor-python-do = Install Python { $oldest } or newer, and Easel into it.
doctor-torch-none = torch cannot be imported: { $reason }
doctor-torch-none-do = Install Easel again into a fresh virtual environment (make install in the checkout, or its wheel).
doctor-torch-cpu = torch { $version }, built for the CPU
doctor-torch-cuda = torch { $version }, built for CUDA { $cuda }
doctor-card = { $name }, driver { $driver }
doctor-card-cpu = No NVIDIA driver answers; the embedded model draws on the CPU.
doctor-card-unused = The CPU draws, as bot.toml says; no GPU is looked for.
doctor-card-unknown = torch sees a GPU that no NVIDIA driver tells about; it draws without telemetry.
doctor-card-none = No NVIDIA driver answers, and the model needs a GPU.
doctor-card-none-do = Install the driver until nvidia-smi shows the card; a container needs --gpus all. To try without: path = "embedded" under [model].
doctor-card-cpu-torch = { $name } is there, but this torch is built for the CPU.
doctor-card-cpu-torch-do = Install the CUDA build that fits the driver, as https://pytorch.org/get-started/locally shows.
doctor-card-unseen = { $name } with driver { $driver } is there, but torch for CUDA { $cuda } does not see it: { $reason }
doctor-card-unseen-do = Update the driver, or install a torch for an older CUDA; look whether CUDA_VISIBLE_DEVICES hides the card.
doctor-elsewhere = Drawing is done elsewhere (backend = "{ $backend }"); no GPU is looked for here.
doctor-memory = Memory mode { $mode }: a usual picture takes { $needed } GB of { $budget } GB.
doctor-memory-short = Memory mode { $mode } needs { $needed } GB for a usual picture, and there are { $budget } GB.
doctor-memory-short-do = Under [model] set memory_mode = "auto", and quantisation = "int8" where that is not enough.
doctor-memory-large = In memory mode { $mode } the largest picture on sale needs { $needed } GB, and there are { $budget } GB: it will be refused.
doctor-memory-large-do = Lower max_size of the tiers in bot.toml, or choose a lower memory_mode.
doctor-memory-held = Only { $free } GB of the card are free, and a usual picture needs { $needed } GB.
doctor-memory-held-do = See with nvidia-smi which process holds the rest, and end it; else jobs wait until there is room.

doctor-model = The files of { $name } are there.
doctor-model-later = { $name } is not downloaded yet; the first start does that, which takes a while.
doctor-model-later-do = To have it beforehand: hf download { $name }
doctor-model-no-room = { $name } is not downloaded yet, and only { $free } GB are free for it.
doctor-model-no-room-do = Free { $needed } GB, or let HF_HOME name a folder on a larger disk.
doctor-model-nowhere = There is no folder { $folder } to load the model from.
doctor-model-nowhere-do = Let path under [model] in bot.toml name a folder that is there, in full and without ~, or a model of the hub.
doctor-model-gaps = { $folder } lacks { $files }.
doctor-model-gaps-do = Download the model again, or let path under [model] name a folder in diffusers' layout.
doctor-disk = { $folder }: { $free } GB of the disk are free.
doctor-disk-full-do = Free some space: a request that cannot be written down is not accepted.
doctor-disk-short-do = Pictures may still take { $wanted } GB: lower keep_images_mb under [storage], or free some space.
doctor-folder = { $folder } is ours alone.
doctor-folder-new = { $folder } will be made at the first start.
doctor-folder-closed = { $folder } cannot be written.
doctor-folder-closed-do = Give it to the user who runs Easel: chown -R USER { $folder }
doctor-folder-nowhere = There is no folder { $folder }, and none can be made there.
doctor-folder-nowhere-do = Make it for the user who runs Easel, or let folder under [storage] in bot.toml name another place.
doctor-folder-open = Everybody on this machine can look into { $folder }.
doctor-folder-open-do = chmod 700 { $folder }
doctor-env = { $file } is readable by its owner alone.
doctor-env-none = No .env here; tokens come from the environment.
doctor-env-open = Others on this machine can read the tokens in { $file }.
doctor-env-open-do = chmod 600 { $file }; if strangers have accounts here, get new tokens as well.

doctor-database = The database is whole, and quotas, jobs and ledger agree.
doctor-database-new = No database yet; the first start makes it.
doctor-currency = The ledger is kept in { $kept }, and bot.toml says { $configured }: the bot will not start.
doctor-currency-do = Set currency back to "{ $kept }", or name a new folder in [storage] to begin a new ledger.
doctor-database-broken = The database does not agree with itself ({ $count }): { $sentences }
doctor-database-broken-do = Stop the bot, copy the data folder aside, and look at easel check; the way back is easel restore with the last good backup.
doctor-clock = The clock has not gone back.
doctor-clock-back = The clock is behind what was written here before.
doctor-clock-agrees = The clock agrees with { $platform }.
doctor-clock-skew = The clock is { $seconds } s away from that of { $platform }.
doctor-clock-do = Turn time synchronisation on: timedatectl set-ntp true
doctor-port = { $address } is free.
doctor-port-running = { $address } is taken, as it should be: the bot is running.
doctor-port-taken = Nobody can listen at { $address }: { $reason }
doctor-port-taken-do = Change { $setting } in bot.toml, or end what holds it (ss -ltnp shows it).
doctor-http = The HTTP API is set up safely.
doctor-http-plain = The HTTP API is reached at { $url }, where anybody on the way can read the keys.
doctor-http-plain-do = Put a proxy with TLS in front, and let public_url under [http] begin with https://
doctor-http-proxies = The HTTP API is behind a proxy that is not in trusted_proxies: all clients look like one to the rate limit.
doctor-http-proxies-do = Name the proxy's address in trusted_proxies under [http].
doctor-http-bare = The HTTP API listens at { $address } without TLS.
doctor-http-bare-do = Set listen = "127.0.0.1" under [http] and put a proxy with TLS in front; keep it so only inside a container or a private network.

doctor-token-none = No token of any platform; easel run opens the chat in this terminal.
doctor-token-none-do = Run easel init, or set DISCORD_TOKEN or TELEGRAM_TOKEN.
doctor-token = The token of { $platform } looks right, of bot { $id }.
doctor-token-invite = The token of { $platform } looks right. Invite the bot: { $link }
doctor-token-shape = The token of { $platform } does not look like one.
doctor-token-shape-discord-do = Copy it again: discord.com/developers/applications, your application, Bot, Reset Token.
doctor-token-shape-telegram-do = Copy it again from @BotFather: /mybots, your bot, API Token.
doctor-library = { $name } is wanted, and its library is not installed.
doctor-library-do = Install Easel again with the extra { $extra }, in a clone: pip install -e ".[{ $extra }]"
doctor-online = { $platform } knows { $name }: { $link }
doctor-online-refused = { $platform } does not know this token.
doctor-online-refused-do = It was reset or mistyped: get a new one from { $platform } and put it into .env.
doctor-online-unreachable = { $platform } cannot be reached ({ $reason }).
doctor-online-unreachable-do = Look at network, DNS and firewall; behind a proxy set api_url under [discord], base_url under [telegram].
