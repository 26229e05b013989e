# The database, on the command line.

drain-left = { $worker } has finished its jobs and left.
drain-unknown = There is no worker { $worker }; /stats gpu names those there are.
drain-unheard = No running bot with a cluster received the order; nothing was changed.

upkeep-backed-up = Backed up to { $folder }: the database, its key and { $pictures } { $pictures ->
    [one] picture
   *[other] pictures
}.
error-backup-folder = The backup could not be written into { $folder }: { $reason ->
    [disk_full] its disk is full. Free some space there, or name a folder on another disk.
   *[other] you may not write there. Name another folder, or run this as its owner.
}
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
error-member-unknown = There is no member “{ $member }”. Write discord:ID or telegram:ID, an account's ID, a key's name, or #number.
error-member-several = Several members go by “{ $member }”. Write one of their numbers: { $numbers }.
error-export-folder = { $folder } cannot be written ({ $reason }). Name a new folder, on a disk with room.

# Why the database or a backup cannot be used.

storage-no-database = There is no database { $file }.
storage-empty = This database is empty. Start the bot once, or restore a backup.
storage-foreign = This is the database of another program. Name another file or folder.
storage-too-new = This database has version { $found }, and this Easel knows versions up to { $known }. Update Easel, or restore a backup made by this version.
storage-currency = The ledger of this database is in { $kept }, but bot.toml says { $configured }, and amounts in two currencies cannot be added up. Set currency back, or set another folder under [storage] to start a new database.
storage-damaged = { $file } is damaged ({ $finding }). Stop Easel and restore a backup.
storage-served = Another process serves { $file }. Stop it first, or use another folder.
storage-old-sqlite = SQLite { $found } is too old; Easel needs 3.35. Use a newer Python.
storage-key-gone = The key file { $file } is gone. Put it back from a backup. If it is lost for good, `easel new-key` makes another; bans of members who asked to be forgotten then end, and so do links to pictures.
storage-key-foreign = The key file { $file } belongs to another database. Put the right one back from a backup. If it is lost for good, `easel new-key` makes another; bans of members who asked to be forgotten then end, and so do links to pictures.
storage-key-unreadable = The key file { $file } cannot be read ({ $reason }). Give it to the user who runs Easel.
storage-key-damaged = The key file { $file } is damaged: it has { $found } bytes, not { $wanted }. Put it back from a backup. If it is lost for good, `easel new-key` makes another; bans of members who asked to be forgotten then end, and so do links to pictures.
storage-backup-among-pictures = { $folder } is where the bot keeps its pictures. Name another folder for the backup.
storage-backup-no-folder = { $folder } is not a folder. Name a new folder for the backup.
storage-backup-not-empty = { $folder } holds something other than a backup. Name a new folder.
storage-backup-link = { $file } is a link. Name a new folder for the backup.
storage-backup-not-made = { $folder } cannot be created ({ $reason }). Name another, in a folder that exists.
storage-backup-busy = Another backup is being written into { $folder }. Wait until it is done.
storage-backup-incomplete = The backup is not whole: { $file } is missing. Use another backup.
storage-backup-damaged = { $file } is damaged ({ $finding }). Use another backup.
storage-backup-key-foreign = The key { $key } does not belong to the database { $file }. Use the key that was backed up with it.
