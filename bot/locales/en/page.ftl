# The owner's page under /admin, and the link to it.

page-link-title = The owner's page
page-link-about = Good once, for { $minutes } minutes. It shows a button; who presses it is you.
page-off = There is no page: [http] enabled is false in bot.toml.
page-private = The link is a key. Ask me for it in a private chat.

page-welcome = This link opens the owner's page once, in this browser.
page-enter = Open
page-link-spent = This link was used before or is too old. Ask for a new one: /stats page in a chat, or easel admin-link on the machine.
page-no-session = You are not signed in. Ask for a link: /stats page in a chat, or easel admin-link on the machine.
page-form-old = This form is not from your present session. Go back and try again.
page-nothing = There is nothing here.
page-left = You are signed out.
page-leave = Sign out
page-back = Back

page-now = Now
page-costs = Costs
page-members = Members
page-pictures = Pictures

page-pause = Pause
page-resume = Resume
page-cancel = Cancel
page-waits = no. { $position }, about { $eta }
page-queue-empty = Nobody waits.
page-failures = Failures
page-no-failures = None lately.
page-too-late = That request is over already.

page-find = Account number
page-search = Find
page-tier = Plan
page-set = Set
page-until = until { $day }
page-month = { $images ->
        [one] 1 image
       *[other] { $images } images
    } this month, { $cost }
page-banned = banned
page-nobody = Nobody.
page-table = As a table (CSV)

page-show = Show
page-no-pictures = No pictures in the last day.
