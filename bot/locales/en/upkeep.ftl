# The database, on the command line.

drain-left = { $worker } has finished what it held and left.
drain-unknown = There is no worker { $worker }; /stats gpu names those there are.
drain-unheard = No running bot with a cluster took the order; nothing was changed.

upkeep-backed-up = The database is copied to { $file }.
upkeep-restored = The database is now what { $file } holds.
upkeep-set-aside = The one before lies in { $file }.
upkeep-no-file = There is no file { $file }.
upkeep-all-well = All is well: the file is whole and every account agrees.
