resource "aws_db_subnet_group" "this" {
  count      = local.makes_rds ? 1 : 0
  name       = var.name
  subnet_ids = local.private_ids
}

resource "aws_db_parameter_group" "this" {
  count  = local.makes_rds ? 1 : 0
  name   = "${var.name}-18"
  family = "postgres18"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  # docs/operating.md says why
  parameter {
    name  = "idle_in_transaction_session_timeout"
    value = "60000"
  }

  parameter {
    name  = "autovacuum_vacuum_insert_scale_factor"
    value = "0.01"
  }

  # what is slow, and schema changes: neither holds values of rows
  parameter {
    name  = "log_min_duration_statement"
    value = "5000"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_parameter_max_length"
    value = "0"
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_157: Multi-AZ by default, var.database_multi_az; the variable cannot be seen through
  #checkov:skip=CKV_AWS_293: protected by default, var.deletion_protection
  #checkov:skip=CKV_AWS_161: the server logs in by password from Secrets Manager, which RDS rotates; IAM tokens last 15 minutes
  #checkov:skip=CKV_AWS_354: performance insights are encrypted with the key of this file
  count                               = local.makes_rds ? 1 : 0
  identifier                          = var.name
  engine                              = "postgres"
  engine_version                      = "18"
  instance_class                      = var.database_class
  db_name                             = "firmtrail"
  username                            = "firmtrail"
  manage_master_user_password         = true # made, kept and rotated by RDS in Secrets Manager; never in Terraform's state
  master_user_secret_kms_key_id       = aws_kms_key.this.arn
  port                                = var.database_port
  multi_az                            = var.database_multi_az
  db_subnet_group_name                = aws_db_subnet_group.this[0].name
  vpc_security_group_ids              = [aws_security_group.database[0].id]
  parameter_group_name                = aws_db_parameter_group.this[0].name
  allocated_storage                   = var.database_storage_gib
  max_allocated_storage               = 5 * var.database_storage_gib
  storage_type                        = "gp3"
  storage_encrypted                   = true
  kms_key_id                          = aws_kms_key.this.arn
  publicly_accessible                 = false
  backup_retention_period             = 14 # to any second of two weeks
  copy_tags_to_snapshot               = true
  auto_minor_version_upgrade          = true
  deletion_protection                 = var.deletion_protection
  skip_final_snapshot                 = false
  final_snapshot_identifier           = "${var.name}-final"
  enabled_cloudwatch_logs_exports     = ["postgresql", "upgrade"]
  performance_insights_enabled        = true
  performance_insights_kms_key_id     = aws_kms_key.this.arn
  monitoring_interval                 = 60
  monitoring_role_arn                 = aws_iam_role.monitoring[0].arn
  iam_database_authentication_enabled = false
}
