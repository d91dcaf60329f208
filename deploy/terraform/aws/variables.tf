variable "name" {
  description = "What everything is called after, and a tag of everything."
  type        = string
  default     = "firmtrail"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "name: 2 to 20 lower-case letters, digits and -, a letter first. Names of load balancers are short."
  }
}

variable "image" {
  description = "The server's image by its digest, with the extra aws, which it has unless built otherwise."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must end with @sha256: and the digest. A tag can be moved, and then two tasks differ."
  }
}

variable "domain" {
  description = "The name that clients reach the server by, such as firmtrail.example.com."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a host name in lower case, without https:// and without a slash."
  }
}

variable "zone_id" {
  description = "The Route 53 zone that gets the name and the certificate's proof. Null: bring certificate_arn, and set the name yourself."
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "An issued ACM certificate of this region for the domain. Null: one is made with zone_id."
  type        = string
  default     = null

  validation {
    condition     = (var.certificate_arn == null) != (var.zone_id == null) || var.zone_id != null
    error_message = "Give zone_id, certificate_arn or both."
  }
}

variable "vpc" {
  description = "A network that is there already. Null: one is made, with two zones and a NAT gateway in each."
  type = object({
    id                 = string
    public_subnet_ids  = list(string)
    private_subnet_ids = list(string)
  })
  default = null

  validation {
    condition     = var.vpc == null || try(length(var.vpc.public_subnet_ids) >= 2 && length(var.vpc.private_subnet_ids) >= 2, false)
    error_message = "vpc needs two public and two private subnets, in two zones."
  }
}

variable "vpc_cidr" {
  description = "The addresses of the network that is made."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 4, 3))
    error_message = "vpc_cidr must be a network such as 10.40.0.0/16."
  }
}

variable "allowed_cidrs" {
  description = "Who may reach the load balancer."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "allowed_cidrs must be networks such as 203.0.113.0/24."
  }
}

variable "database_secret_arn" {
  description = "A secret with the URL of a PostgreSQL or CockroachDB of yours. Null: RDS for PostgreSQL is made."
  type        = string
  default     = null
}

variable "database_cidrs" {
  description = "Where a database of yours is; the servers may open connections to there, on database_port alone."
  type        = list(string)
  default     = []

  validation {
    condition     = (var.database_secret_arn == null) == (length(var.database_cidrs) == 0)
    error_message = "database_cidrs goes with database_secret_arn."
  }
}

variable "database_port" {
  description = "The port of the database."
  type        = number
  default     = 5432

  validation {
    condition     = var.database_port > 0 && var.database_port < 65536
    error_message = "database_port must be a port."
  }
}

variable "database_class" {
  description = "The machine of RDS."
  type        = string
  default     = "db.t4g.medium"

  validation {
    condition     = startswith(var.database_class, "db.")
    error_message = "database_class begins with db."
  }
}

variable "database_storage_gib" {
  description = "Storage of RDS at first; it grows to five times that by itself."
  type        = number
  default     = 50

  validation {
    condition     = var.database_storage_gib >= 20 && var.database_storage_gib <= 10000
    error_message = "database_storage_gib must be from 20 to 10000."
  }
}

variable "database_multi_az" {
  description = "Whether a second machine in another zone takes over when the first one dies."
  type        = bool
  default     = true
}

variable "signing_keys_secret_arn" {
  description = "A secret whose text is what `firmtrail-server signing-key` prints. Terraform never sees it."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:", var.signing_keys_secret_arn))
    error_message = "signing_keys_secret_arn must be the ARN of a secret in Secrets Manager."
  }
}

variable "secret_key_arns" {
  description = "KMS keys of yours that your secrets are encrypted with."
  type        = list(string)
  default     = []
}

variable "tasks" {
  description = "How many servers at least and at most."
  type        = object({ min = number, max = number })
  default     = { min = 2, max = 6 }

  validation {
    condition     = var.tasks.min >= 2 && var.tasks.max >= var.tasks.min && var.tasks.max <= 50
    error_message = "tasks: min must be 2 or more, so that one zone may fail, and max from min to 50."
  }
}

variable "cpu" {
  description = "CPU units of a server, 1024 a core; one worker a core."
  type        = number
  default     = 1024

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.cpu)
    error_message = "cpu must be 512, 1024, 2048 or 4096."
  }
}

variable "memory_mib" {
  description = "Memory of a server; Fargate takes 2 to 8 GiB for a core."
  type        = number
  default     = 2048

  validation {
    condition     = var.memory_mib >= 2 * var.cpu && var.memory_mib <= 8 * var.cpu && var.memory_mib % 1024 == 0
    error_message = "memory_mib must be whole GiB, two to eight times cpu."
  }
}

variable "settings" {
  description = "More settings of the server, none of them secret: docs/settings.md."
  type        = map(string)
  default     = { FIRMTRAIL_SIGN_UP = "invited" }

  validation {
    condition     = alltrue([for name in keys(var.settings) : startswith(name, "FIRMTRAIL_")])
    error_message = "settings are variables that begin with FIRMTRAIL_."
  }
}

variable "alarm_topic_arn" {
  description = "An SNS topic that alarms are sent to. Null: they are shown in CloudWatch alone."
  type        = string
  default     = null
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 180, 365, 731], var.log_days)
    error_message = "log_days must be 30, 60, 90, 180, 365 or 731."
  }
}

variable "deletion_protection" {
  description = "Whether the database and the load balancer refuse to be deleted."
  type        = bool
  default     = true
}
