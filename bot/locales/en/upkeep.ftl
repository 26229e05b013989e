# The database, on the command line.

drain-left = { $worker } has finished what it held and left.
drain-unknown = There is no worker { $worker }; /stats gpu names those there are.
drain-unheard = No running bot with a cluster took the order; nothing was changed.

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
upkeep-set-aside = The database from before is now { $file }.
upkeep-no-file = There is no file { $file }.
upkeep-all-well = All is well: the file is whole and every account agrees.
