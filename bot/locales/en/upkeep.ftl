# The database, on the command line.

upkeep-backed-up = The database is copied to { $file }.
upkeep-restored = The database is now what { $file } holds.
upkeep-set-aside = The one before lies in { $file }.
upkeep-no-file = There is no file { $file }.
upkeep-all-well = All is well: the file is whole and every account agrees.
