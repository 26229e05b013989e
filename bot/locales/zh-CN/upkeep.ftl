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
