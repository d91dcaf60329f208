data "aws_region" "current" {}

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394: the first two by name; a zone that AWS adds comes behind them
  state = "available"
}

locals {
  zones         = slice(data.aws_availability_zones.available.names, 0, 2)
  makes_vpc     = var.vpc == null
  makes_rds     = var.database_secret_arn == null
  vpc_id        = local.makes_vpc ? aws_vpc.this[0].id : var.vpc.id
  public_ids    = local.makes_vpc ? aws_subnet.public[*].id : var.vpc.public_subnet_ids
  private_ids   = local.makes_vpc ? aws_subnet.private[*].id : var.vpc.private_subnet_ids
  certificate   = var.certificate_arn == null ? aws_acm_certificate_validation.this[0].certificate_arn : var.certificate_arn
  alarm_actions = var.alarm_topic_arn == null ? [] : [var.alarm_topic_arn]
  port          = 8080

  # What the servers themselves read from Secrets Manager, again and again: so a rotated password needs no deploy.
  database_secret = local.makes_rds ? aws_db_instance.this[0].master_user_secret[0].secret_arn : var.database_secret_arn
  database = local.makes_rds ? {
    FIRMTRAIL_DATABASE_URL      = "postgresql://${aws_db_instance.this[0].username}@${aws_db_instance.this[0].endpoint}/firmtrail?sslmode=require"
    FIRMTRAIL_DATABASE_PASSWORD = "aws-secretsmanager://${local.database_secret}#password"
    } : {
    FIRMTRAIL_DATABASE_URL      = "aws-secretsmanager://${var.database_secret_arn}"
    FIRMTRAIL_DATABASE_PASSWORD = ""
  }
  environment = merge(var.settings, local.database, {
    AWS_REGION                = data.aws_region.current.region
    FIRMTRAIL_LOG_FORMAT      = "json"
    FIRMTRAIL_PUBLIC_URL      = "https://${var.domain}"
    FIRMTRAIL_SIGNING_KEYS    = "aws-secretsmanager://${var.signing_keys_secret_arn}"
    FIRMTRAIL_TRUSTED_PROXIES = join(",", [for subnet in data.aws_subnet.public : subnet.cidr_block])
    TMPDIR                    = "/dev/shm" # the rest of the file system is read-only
    FIRMTRAIL_WORKERS         = tostring(max(1, floor(var.cpu / 1024)))
  })
}

# The load balancer's own addresses lie in these: whoever else sends X-Forwarded-For is not believed.
data "aws_subnet" "public" {
  count = local.makes_vpc ? 2 : length(var.vpc.public_subnet_ids)
  id    = local.public_ids[count.index]
}
