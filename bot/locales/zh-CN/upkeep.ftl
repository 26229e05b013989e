# 命令行中的数据库维护。

upkeep-backed-up = 数据库已复制到 { $file }。
upkeep-restored = 数据库已恢复为 { $file } 的内容。
upkeep-set-aside = 之前的数据库保存在 { $file }。
upkeep-no-file = 没有文件 { $file }。
upkeep-all-well = 一切正常:文件完整,账目全部相符。
