# What members do with their account: link, forget, language, history, queue.

link-title = Link accounts
link-code = Type /link { $code } in the other app within ten minutes, then confirm on both sides. The two accounts will share one allowance.
link-question = Join this account with { $other }? You become one member, and what both have used and bought is added up.
link-wait = Noted. Now confirm on the other side too: type /link there.
link-done = Done. The two accounts are now one member.
link-declined = Not linked. The code no longer works.
link-yes = Yes, join
link-no = No
unlink-title = Unlink this account
unlink-question = This separates the account you are using from { $others }. It becomes a member of its own, without the tier and extra images the others keep; what was used this month counts for both.
unlink-yes = Yes, separate
unlink-no = No
unlink-done = Done. This account is a member of its own now.
unlink-kept = Nothing has changed.
error-unlink-only = This account is not linked to any other.
error-link-code = That code is wrong, has been used or has expired. Get a new one with /link.
error-link-own = That is your own code. Type it in the other app.
error-link-tries = Too many wrong codes. Try again in ten minutes.

join-done = Welcome!
error-join-code = That invitation code is not right. Ask whoever invited you for the current one.

forget-title = Delete my account
forget-question = This deletes your account, all your requests and all your pictures, in every linked app. It cannot be undone. What you have used this month still counts if you come back.
forget-done = Deleted: { $requests } requests and { $images } pictures. Earlier backups keep them for at most { $days } days.
forget-soon = The last traces are being removed right now.
forget-yes = Delete everything
forget-no = Keep it
forget-kept = Nothing was deleted.

language-title = Language
language-question = Which language should I use?
language-set = From now on: { $language }.
language-auto = Same as the app

history-title = Your pictures
history-empty = You have not asked for anything yet.
history-when = When
history-state = State
history-id = ID
history-waiting = in progress
history-kept = kept
history-gone = no longer kept
history-cancelled = cancelled
history-failed = failed
history-more = Older

queue-title = Your queue
queue-nothing = You have nothing waiting.
queue-everybody = In total: { $waiting } waiting, { $active } being drawn, about { $eta } of work.

mydata-title = Your data
mydata-all = Everything I keep about you: data.json, and { $pictures ->
        [0] no pictures
        [one] one picture
       *[other] { $pictures } pictures
    }.
mydata-some = Everything I keep about you is in data.json, with the { $pictures } latest of { $all } pictures; more do not fit into a file here. /history has the others.
