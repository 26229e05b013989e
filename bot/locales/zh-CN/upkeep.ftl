# 命令行中的数据库维护。

drain-left = { $worker } 已完成手头的任务并退出。
drain-unknown = 没有名为 { $worker } 的工作节点；可用 /stats gpu 查看。
drain-unheard = 没有使用集群的机器人在运行，指令未被接收；一切照旧。

upkeep-backed-up = 已备份到 { $folder }：数据库、密钥和 { $pictures } 张图片。
error-backup-folder = 无法把备份写入 { $folder }：{ $reason ->
    [disk_full] 那块磁盘已满。请腾出空间，或换一个在别的磁盘上的文件夹。
   *[other] 您在那里没有写入权限。请换一个文件夹，或以它的所有者身份运行。
}
upkeep-restored = 已从 { $file } 恢复，含 { $pictures } 张图片。
upkeep-restorable = { $file } 可以恢复，含 { $pictures } 张图片。未作任何更改。
upkeep-missing = 数据库中提到的 { $pictures } 张图片已不存在。
upkeep-set-aside = 之前的数据库现在是 { $file }。
upkeep-no-file = 没有文件 { $file }。
upkeep-all-well = 一切正常：文件完整，账目全部相符。
upkeep-broken = 这种情况本不该发生。请先运行 `easel backup` 保住现有数据，并把上面的内容反馈给我们。`easel restore` 可以回到较早的备份，但会丢掉之后的内容；如果有成员少了图片，可以用 `easel grant` 补上。
upkeep-new-key = 已生成新密钥。曾要求删除数据的成员的封禁，以及已发出的图片链接，不再有效。
upkeep-key-aside = 之前的密钥现在是 { $file }。
upkeep-forget-question = 要删除 { $member } 的全部账号、提示词和图片吗？此操作无法撤销。
upkeep-exported = 已写入 { $folder }：data.json 和 { $pictures } 张图片。
error-member-unknown = 没有成员“{ $member }”。请填写 discord:ID 或 telegram:ID、账号 ID，或 #编号。
error-member-several = 有多个成员叫“{ $member }”。请改写其中一个编号：{ $numbers }。
error-export-folder = 无法写入 { $folder }（{ $reason }）。请指定一个新文件夹，并确保磁盘有空间。

# 数据库或备份为何不能用。

storage-no-database = 没有数据库 { $file }。
storage-empty = 这个数据库是空的。请先启动一次机器人，或恢复一份备份。
storage-foreign = 这是别的程序的数据库。请换一个文件或文件夹。
storage-too-new = 这个数据库是版本 { $found }，而这个 Easel 最多认识版本 { $known }。请更新 Easel，或恢复由当前版本制作的备份。
storage-currency = 这个数据库以 { $kept } 记账，而 bot.toml 写的是 { $configured }，两种货币的金额不能相加。请把 currency 改回来，或在 [storage] 下换一个 folder 重新记账。
storage-damaged = { $file } 已损坏（{ $finding }）。请停止 Easel 并恢复备份。
storage-served = 另一个进程正在使用 { $file }。请先停掉它，或换一个文件夹。
storage-old-sqlite = SQLite { $found } 太旧，Easel 需要 3.35。请使用较新的 Python。
storage-key-gone = 密钥文件 { $file } 不见了。请从备份中放回。如果确实丢失，可用 `easel new-key` 生成新的；此后，曾要求删除数据的成员的封禁和已发出的图片链接不再有效。
storage-key-foreign = 密钥文件 { $file } 属于另一个数据库。请从备份中放回正确的那个。如果确实丢失，可用 `easel new-key` 生成新的；此后，曾要求删除数据的成员的封禁和已发出的图片链接不再有效。
storage-key-unreadable = 无法读取密钥文件 { $file }（{ $reason }）。请把它交给运行 Easel 的用户。
storage-key-damaged = 密钥文件 { $file } 已损坏：有 { $found } 字节，应为 { $wanted }。请从备份中放回。如果确实丢失，可用 `easel new-key` 生成新的；此后，曾要求删除数据的成员的封禁和已发出的图片链接不再有效。
storage-backup-among-pictures = { $folder } 是机器人存放图片的地方。请为备份换一个文件夹。
storage-backup-no-folder = { $folder } 不是文件夹。请为备份指定一个新文件夹。
storage-backup-not-empty = { $folder } 里有备份以外的内容。请换一个新文件夹。
storage-backup-link = { $file } 是一个链接。请为备份换一个新文件夹。
storage-backup-not-made = 无法创建 { $folder }（{ $reason }）。请换一个，上级文件夹须已存在。
storage-backup-busy = 另一个备份正在写入 { $folder }。请等它完成。
storage-backup-incomplete = 备份不完整：缺少 { $file }。请使用另一份备份。
storage-backup-damaged = { $file } 已损坏（{ $finding }）。请使用另一份备份。
storage-backup-key-foreign = 密钥 { $key } 不属于数据库 { $file }。请使用与它一起备份的密钥。
