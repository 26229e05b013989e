# What members do with their account: link, forget, language, history, queue.

link-title = Link accounts
link-code = Type /link { $code } in the other app within ten minutes. Then say yes on both sides, and the two share one allowance.
link-question = Join with { $other }? You become one member: what both used and bought is added up.
link-wait = Noted. Now say yes on the other side too: type /link there.
link-done = Done. The two accounts are one member now.
link-declined = Not linked. The code is void.
link-yes = Yes, join
link-no = No
error-link-code = That code is wrong, used or too old; make a new one with /link.
error-link-own = That is your own code; type it in the other app.
error-link-tries = Too many wrong codes; try again in ten minutes.

forget-title = Forget me
forget-question = This erases your account here, everything you asked for and all your pictures, on every linked app. It cannot be undone. What you used this month still counts if you come back.
forget-done = Erased: { $requests } requests and { $images } pictures. Backups made before keep them for at most { $days } days.
forget-yes = Erase everything
forget-no = Keep it
forget-kept = Nothing was erased.

language-title = Language
language-question = Which language shall I speak with you?
language-set = From now on: { $language }.
language-auto = As in the app

history-title = Your pictures
history-empty = You have not asked for anything yet.
history-when = When
history-state = State
history-id = Number
history-waiting = on its way
history-kept = kept
history-gone = no longer kept
history-cancelled = cancelled
history-failed = failed
history-more = Older

queue-title = You are waiting for
queue-nothing = You have nothing waiting
queue-everybody = All together: { $waiting } waiting, { $active } being drawn, about { $eta } of work.
