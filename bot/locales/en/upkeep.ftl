# The database, on the command line.

drain-left = { $worker } has finished its jobs and left.
drain-unknown = There is no worker { $worker }; /stats gpu names those there are.
drain-unheard = No running bot with a cluster received the order; nothing was changed.

upkeep-backed-up = Backed up to { $folder }: the database, its key and { $pictures } { $pictures ->
    [one] picture
   *[other] pictures
}.
upkeep-restored = Restored from { $file }, with { $pictures } { $pictures ->
    [one] picture
   *[other] pictures
}.
upkeep-restorable = { $file } can be restored, with { $pictures } { $pictures ->
    [one] picture
   *[other] pictures
}. Nothing was changed.
upkeep-missing = { $pictures ->
    [one] One picture that the database mentions is missing.
   *[other] { $pictures } pictures that the database mentions are missing.
}
upkeep-set-aside = The previous database is now { $file }.
upkeep-no-file = There is no file { $file }.
upkeep-all-well = All is well: the file is intact, and quotas, jobs and ledger agree.
upkeep-broken = This should never happen. Run `easel backup` now, so that nothing more is lost, and report the lines above. `easel restore` returns to an earlier backup, without what came after it; a member who is short of images can be helped with `easel grant`.
upkeep-new-key = There is a new key. Bans of members who asked to be forgotten, and links to pictures, no longer hold.
upkeep-key-aside = The previous key is now { $file }.
upkeep-forget-question = Erase { $member } with all their accounts, prompts and pictures? This cannot be undone.
upkeep-exported = Written to { $folder }: data.json and { $pictures } { $pictures ->
    [one] picture
   *[other] pictures
}.
error-member-unknown = There is no member “{ $member }”. Write discord:ID or telegram:ID, an account's ID, or a member key.
error-member-several = Several members go by “{ $member }”. Write one of their numbers: { $numbers }.
error-export-folder = { $folder } cannot be written ({ $reason }). Name a new folder, on a disk with room.
