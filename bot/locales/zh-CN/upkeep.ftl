# 命令行中的数据库维护。

drain-left = { $worker } 已完成手头的任务并退出。
drain-unknown = 没有名为 { $worker } 的工作节点；可用 /stats gpu 查看。
drain-unheard = 没有使用集群的机器人在运行，指令未被接收；一切照旧。

upkeep-backed-up = 数据库已复制到 { $file }。
upkeep-restored = 数据库已恢复为 { $file } 的内容。
upkeep-set-aside = 之前的数据库保存在 { $file }。
upkeep-no-file = 没有文件 { $file }。
upkeep-all-well = 一切正常：文件完整，账目全部相符。
