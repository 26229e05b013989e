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

page-pause = Pause
page-resume = Resume
page-cancel = Cancel
page-waits = position { $position }, about { $eta }
page-queue-empty = Nobody is waiting.
page-failures = Failures
page-no-failures = None recently.
page-too-late = That request has already finished.

page-find = Account number
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
page-no-pictures = No pictures in the last day.
