# Who may speak to whom: the world to the load balancer, that to the servers, those to the database and to AWS's HTTPS.

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "The load balancer"
  vpc_id      = local.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  for_each          = toset(var.allowed_cidrs)
  security_group_id = aws_security_group.balancer.id
  description       = "HTTPS from clients"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "balancer_to_server" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "To the servers"
  referenced_security_group_id = aws_security_group.server.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_security_group" "server" {
  name        = "${var.name}-server"
  description = "The servers, and the migration"
  vpc_id      = local.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  security_group_id            = aws_security_group.server.id
  description                  = "From the load balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_vpc_security_group_egress_rule" "server_to_aws" {
  security_group_id = aws_security_group.server.id
  description       = "The registry, Secrets Manager and logs, over HTTPS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "server_to_rds" {
  count                        = local.makes_rds ? 1 : 0
  security_group_id            = aws_security_group.server.id
  description                  = "To RDS"
  referenced_security_group_id = aws_security_group.database[0].id
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port
}

resource "aws_vpc_security_group_egress_rule" "server_to_database" {
  for_each          = toset(var.database_cidrs)
  security_group_id = aws_security_group.server.id
  description       = "To a database of yours"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = var.database_port
  to_port           = var.database_port
}

resource "aws_security_group" "database" {
  count       = local.makes_rds ? 1 : 0
  name        = "${var.name}-database"
  description = "RDS"
  vpc_id      = local.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "server" {
  count                        = local.makes_rds ? 1 : 0
  security_group_id            = aws_security_group.database[0].id
  description                  = "From the servers"
  referenced_security_group_id = aws_security_group.server.id
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port
}
