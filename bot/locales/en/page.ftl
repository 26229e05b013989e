# The owner's page under /admin, and the link to it.

page-link-title = The owner's page
page-link-about = Works once, within { $minutes } minutes. Whoever opens it and presses the button is signed in as you.
page-off = The owner's page is off: [http] enabled is false in bot.toml.

page-welcome = This link opens the owner's page once, in this browser.
page-enter = Open
page-link-spent = This link has been used or has expired. Get a new one with /stats page in a chat, or easel admin-link on the machine.
page-no-session = You are not signed in. Get a link with /stats page in a chat, or easel admin-link on the machine.
page-form-old = This form belongs to an earlier session. Go back and try again.
page-nothing = There is nothing here.
page-left = You are signed out.
page-leave = Sign out
page-back = Back

page-now = Now
page-costs = Costs
page-members = Members
page-pictures = Pictures

page-reload = Reload
page-live = Reload every 10 seconds
page-pause = Pause
page-resume = Resume
page-cancel = Cancel
page-waits = position { $position }, about { $eta }
page-queue-empty = Nobody is waiting.
page-failures = Failures
page-no-failures = None recently.
page-too-late = That request has already finished.

page-find = Account, key or #number
page-search = Find
page-tier = Tier
page-set = Set
page-until = until { $day }
page-month = { $images ->
        [one] 1 image
       *[other] { $images } images
    } this month, { $cost }
page-banned = banned
page-nobody = No members.
page-table = Download as CSV

page-show = Show
page-no-pictures = No pictures.

page-tabs = Tabs
page-keys = Keys
page-alerts = Alerts
page-log = Log
page-settings = Settings

page-who = Who
page-size = Size
page-state = State
page-when = When
page-reason = Reason
page-name = Name
page-why = Why
page-day = Day
page-by = By
page-did = Change
page-about = About
page-details = Details
page-created = Created
page-prefix = Prefix
page-scopes = Scopes
page-cap = Monthly limit

page-money = Money
page-time = Time
page-outlook = Outlook
page-income = Sold
page-highest = highest { $value }
page-waits-p95 = Wait, for 95 of 100
page-images-month = Images this month

page-until-label = Until (empty: for good)
page-grant-title = Extra images
page-grant-images = How many
page-grant = Grant
page-ban-title = Ban
page-ban = Ban
page-unban = Lift the ban
page-erase-title = Erase
page-erase-about = Erases the member with all accounts, prompts and pictures, as their own /forget would. Figures of cost stay, without a name.
page-erase = Erase this member
page-erase-question = Erase { $member } with all accounts, prompts and pictures? This cannot be undone.
page-sure = Yes, do it

page-picture = A picture
page-download = Download
page-report = Facts for a report
page-remove = Delete
page-remove-question = Delete this picture for good? The chat's message that shows it stays there.
page-removed = The picture is deleted.
page-drawn = Drawn
page-sources = Sources and masks
page-drawn-from = Drawn from
page-source = source
page-mask = mask
page-map = map to follow
page-remove-source-question = Delete this picture for good, for everybody who used it? What was drawn from it stays, but cannot be drawn again.
page-source-needed = A request that is waiting or being drawn still needs that picture, or it is no longer kept.
page-too-early = That picture has not been delivered yet, or does not exist.
page-earlier = Earlier pictures

page-keys-title = Keys of the HTTP API
page-no-keys = No keys. Make one with easel key create.
page-key-live = valid
page-key-revoked = revoked { $day }
page-key-expired = expired { $day }
page-key-gone = There is no valid key with that prefix.
page-revoke = Revoke
page-revoke-question = Revoke the key { $prefix }? Whoever uses it is refused from then on. This cannot be undone.
page-revoked = The key { $prefix } is revoked.

page-no-entries = No changes.
page-alerts-title = Alerts since the bot was started
page-no-alerts = None.
page-settings-about = As read from bot.toml when the bot was started; what differs from the default is bold. Tokens and keys are not shown.
