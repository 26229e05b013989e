# 命令行中的数据库维护。

drain-left = { $worker } 已完成手头的任务并退出。
drain-unknown = 没有名为 { $worker } 的工作节点；可用 /stats gpu 查看。
drain-unheard = 没有使用集群的机器人在运行，指令未被接收；一切照旧。

upkeep-backed-up = 已备份到 { $folder }：数据库、密钥和 { $pictures } 张图片。
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
error-member-unknown = 没有成员“{ $member }”。请填写 discord:ID 或 telegram:ID、账号 ID，或成员键。
error-member-several = 有多个成员叫“{ $member }”。请改写其中一个编号：{ $numbers }。
error-export-folder = 无法写入 { $folder }（{ $reason }）。请指定一个新文件夹，并确保磁盘有空间。
