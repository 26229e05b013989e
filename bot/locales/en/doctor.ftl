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
doctor-stumbled = A check failed: { $reason }
doctor-stumbled-do = Fix that, then run easel doctor again.

doctor-python = Python { $version }
doctor-python-do = Install Python { $oldest } or newer, and install Easel into it.
doctor-torch-none = torch cannot be imported: { $reason }
doctor-torch-none-do = Reinstall Easel into a fresh virtual environment (make install in the checkout, or its wheel).
doctor-torch-cpu = torch { $version }, built for the CPU
doctor-torch-cuda = torch { $version }, built for CUDA { $cuda }
doctor-card = { $name }, driver { $driver }
doctor-card-cpu = No NVIDIA driver found; the embedded model draws on the CPU.
doctor-card-unused = bot.toml asks for the CPU, so no GPU is used.
doctor-card-unknown = torch sees a GPU, but there is no NVIDIA driver to ask about it: it will draw, without telemetry.
doctor-card-none = No NVIDIA driver found, and this model needs a GPU.
doctor-card-none-do = Install the driver so that nvidia-smi shows the card; a container needs --gpus all. To try Easel without a GPU, set path = "embedded" under [model].
doctor-card-cpu-torch = { $name } is installed, but this torch is built for the CPU.
doctor-card-cpu-torch-do = Install the CUDA build that matches the driver: https://pytorch.org/get-started/locally
doctor-card-unseen = { $name } with driver { $driver } is installed, but torch for CUDA { $cuda } cannot use it: { $reason }
doctor-card-unseen-do = Update the driver, or install a torch built for an older CUDA. Also check whether CUDA_VISIBLE_DEVICES hides the card.
doctor-elsewhere = Pictures are drawn by another machine (backend = "{ $backend }"), so no GPU is checked here.
doctor-memory = Memory mode { $mode }: a typical picture needs { $needed } GB of { $budget } GB.
doctor-memory-short = Memory mode { $mode } needs { $needed } GB for a typical picture, but only { $budget } GB are available.
doctor-memory-short-do = Under [model], set memory_mode = "auto"; if that is not enough, also quantisation = "int8".
doctor-memory-large = In memory mode { $mode } the largest picture your tiers allow needs { $needed } GB, but only { $budget } GB are available. It would be refused.
doctor-memory-large-do = Lower the tiers' max_size in bot.toml, or choose a lower memory_mode.
doctor-memory-held = Only { $free } GB of the card are free; a typical picture needs { $needed } GB.
doctor-memory-held-do = Find the process that uses the rest with nvidia-smi and stop it. Until then, requests wait for free memory.

doctor-model = The files of { $name } are complete.
doctor-model-later = { $name } is not downloaded yet. The first start downloads about { $size } GB.
doctor-model-later-do = To download it now: hf download { $name }
doctor-model-no-room = { $name } is not downloaded yet. It takes about { $size } GB, and only { $free } GB of disk are free.
doctor-model-no-room-do = Free { $needed } GB, or point HF_HOME at a folder on a larger disk.
doctor-models-do = Fix path under [models.NAME] in bot.toml, or remove the model. easel models check says more about each.
doctor-model-nowhere = The model folder { $folder } does not exist.
doctor-model-nowhere-do = Set path under [model] in bot.toml to an existing folder (written out in full, without ~) or to a model on the hub.
doctor-model-gaps = { $folder } is missing { $files }.
doctor-model-gaps-do = Download the model again, or set path under [model] to a folder in the diffusers layout.
doctor-disk = { $folder }: { $free } GB of disk space free.
doctor-disk-full-do = Free some disk space. Easel accepts no request that it cannot save.
doctor-disk-short-do = Stored pictures may grow by another { $wanted } GB: lower keep_images_mb under [storage], or free some disk space.
doctor-folder = Only this user can read { $folder }.
doctor-folder-new = { $folder } will be created at the first start.
doctor-folder-closed = { $folder } is not writable.
doctor-folder-closed-do = Give it to the user who runs Easel: chown -R USER { $folder }
doctor-folder-nowhere = { $folder } does not exist and cannot be created.
doctor-folder-nowhere-do = Create it for the user who runs Easel, or set folder under [storage] in bot.toml to another place.
doctor-folder-open = Every user of this machine can read { $folder }.
doctor-folder-open-do = chmod 700 { $folder }
doctor-env = Only its owner can read { $file }.
doctor-env-none = No .env file here; tokens come from the environment.
doctor-env-open = Other users of this machine can read the tokens in { $file }.
doctor-env-open-do = chmod 600 { $file }. If you do not trust everyone with an account here, replace the tokens too.

doctor-database = The database is intact; quotas, jobs and ledger agree.
doctor-database-new = No database yet; the first start creates it.
doctor-key-do = The bot does not start before that.
doctor-currency = The ledger is in { $kept }, but bot.toml says { $configured }: the bot will not start.
doctor-currency-do = Set currency back to "{ $kept }", or set a new folder under [storage] to start a new ledger.
doctor-database-broken = The database contradicts itself ({ $count }): { $sentences }
doctor-database-broken-do = Stop the bot, copy the data folder to a safe place, and read what easel check says. To go back to the last good backup, use easel restore.
doctor-lora = The LoRA { $lora } can be offered.
doctor-control-do = See docs/control.md; until then the model draws without it.
doctor-lora-do = Name another file under [loras] in bot.toml, or leave this one out.

doctor-clock = The clock has not been set back.
doctor-clock-back = The clock is earlier than the last entry written here.
doctor-clock-agrees = The clock agrees with { $platform }.
doctor-clock-skew = The clock is { $seconds } s away from { $platform }'s.
doctor-clock-do = Turn on time synchronisation: timedatectl set-ntp true
doctor-port = { $address } is free.
doctor-port-running = { $address } is in use by the running bot.
doctor-port-taken = Cannot listen on { $address }: { $reason }
doctor-port-taken-do = Change { $setting } in bot.toml, or stop the program that uses the port (ss -ltnp shows it).
doctor-http = The HTTP API is set up safely.
doctor-http-plain = The HTTP API is reached at { $url }, so API keys travel unencrypted.
doctor-http-plain-do = Put a TLS proxy in front of it, and set public_url under [http] to its https:// address.
doctor-http-proxies = The HTTP API is behind a proxy that trusted_proxies does not list, so the rate limit treats all clients as one.
doctor-http-proxies-do = Add the proxy's address to trusted_proxies under [http].
doctor-http-bare = The HTTP API listens on { $address } without TLS.
doctor-http-bare-do = Set listen = "127.0.0.1" under [http] and put a TLS proxy in front of it. Leave it as it is only inside a container or a private network.
doctor-http-links = The HTTP API listens on { $address }, but public_url is not set, so links to pictures point to { $url }.
doctor-http-links-do = Set public_url under [http] to the address that clients use.

doctor-token-none = No Discord or Telegram token; easel run will open the chat in this terminal.
doctor-token-none-do = Run easel init, or set DISCORD_TOKEN or TELEGRAM_TOKEN.
doctor-token = The { $platform } token looks right (bot { $id }).
doctor-token-invite = The { $platform } token looks right. Invite the bot: { $link }
doctor-token-shape = The { $platform } token does not look like a token.
doctor-token-shape-discord-do = Copy it again: discord.com/developers/applications, your application, Bot, Reset Token.
doctor-token-shape-telegram-do = Copy it again from @BotFather: /mybots, your bot, API Token.
doctor-library = { $name } is turned on, but its library is not installed.
doctor-library-do = Reinstall Easel with the extra { $extra }, from the clone: pip install -e ".[{ $extra }]"
doctor-online = { $platform } accepts the token of { $name }: { $link }
doctor-online-refused = { $platform } rejects this token.
doctor-online-refused-do = It was reset or mistyped. Get a new one from { $platform } and put it into .env.
doctor-online-unreachable = Cannot reach { $platform } ({ $reason }).
doctor-online-unreachable-do = Check the network, DNS and firewall. Behind a proxy, set HTTPS_PROXY, or proxy under [discord] and [telegram] in bot.toml.

selftest-load = Loading the model
selftest-weights = Weights
selftest-picture = A picture { $about }
selftest-pipeline = The same picture by diffusers' own pipeline
selftest-together = Several pictures in one forward
selftest-encoder = Unloading and reloading the text encoder
selftest-telemetry = What the driver counts, and what the allocator holds
selftest-memory = Out of memory
selftest-lost = A lost worker
selftest-stopped = A stopped worker
selftest-do-nothing = Nothing to do.
selftest-do-cannot = Nothing to do: this cannot be checked here.
selftest-do-report = Report it: open an issue with the report and the log.
selftest-do-profile = The engine learns this by itself. Report it anyway, so that the profile can be corrected.
selftest-do-alone = Set max_active = 1 in [engine], and report it.
selftest-do-driver = Drawing works, but temperature and other processes cannot be seen. Check that nvidia-smi works.
selftest-do-neighbour = Another program uses memory of the card. See nvidia-smi.
selftest-do-restart = Have systemd or compose restart the bot, which replaces a broken worker too, and report it.
selftest-written = The report is in { $files }. Attach both files when you report a problem.
selftest-cannot = The self-test cannot start: { $reason }
