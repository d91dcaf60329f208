output "url" {
  description = "Where clients reach the server."
  value       = "https://${var.domain}"
}

output "balancer_name" {
  description = "The load balancer's name in DNS: what your own zone points at when zone_id is null."
  value       = aws_lb.this.dns_name
}

output "database_endpoint" {
  description = "Host and port of RDS; null with a database of yours."
  value       = local.makes_rds ? aws_db_instance.this[0].endpoint : null
}

output "migration" {
  description = "What migrate.sh runs, to run it by hand."
  value = {
    cluster         = aws_ecs_cluster.this.name
    task_definition = aws_ecs_task_definition.migrate.arn
    subnets         = local.private_ids
    security_group  = aws_security_group.server.id
    log_group       = aws_cloudwatch_log_group.server.name
  }
}
