{{- define "cg.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "cg.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cg.labels" -}}
{{ include "cg.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "cg.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "cg.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "cg.name" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* One setting, or the service's own default where the chart must know it (a test compares). */}}
{{- define "cg.setting" -}}
{{- $defaults := dict
  "partitions" 12 "replication_factor" 3 "retention_days" 400 "max_message_bytes" 2097152
  "shutdown_timeout_seconds" 20
  "scope_group" "cg-trans-03-scope" "adjudicate_group" "cg-trans-03-adjudicate"
  "claims_topic" "claims.adjudication" "history_in_topic" "member.transplant-history"
  "in_scope_topic" "cg-trans-03.in-scope" "history_topic" "cg-trans-03.history"
  "approve_topic" "cg-trans-03.approve" "deny_topic" "cg-trans-03.deny"
  "pend_topic" "cg-trans-03.pend" "dead_letter_topic" "cg-trans-03.dead-letter"
  "history_drift_topic" "cg-trans-03.history-drift" "shadow_topic" "cg-trans-03.shadow" -}}
{{- $value := get $defaults .name -}}
{{- if hasKey .root.Values.settings .name -}}{{- $value = get .root.Values.settings .name -}}{{- end -}}
{{- include "cg.scalar" $value -}}
{{- end }}

{{/* Helm reads numbers as floats and would write 2097152 as 2.097152e+06. */}}
{{- define "cg.scalar" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end }}

{{- define "cg.settingsFile" -}}
# Made by the chart from its values' `settings`.
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ if kindIs "string" $value }}{{ $value | quote }}{{ else }}{{ include "cg.scalar" $value }}{{ end }}
{{- end }}
{{- end }}

{{/* What no schema can say. */}}
{{- define "cg.check" -}}
{{- $v := .Values -}}
{{- if not $v.kafka.bootstrapServers }}{{ fail "kafka.bootstrapServers is required, such as kafka-bootstrap:9092" }}{{ end }}
{{- $partitions := include "cg.setting" (dict "root" . "name" "partitions") | int -}}
{{- if gt (int $v.adjudicate.replicas) $partitions }}{{ fail (printf "adjudicate.replicas: more than the %d partitions of its topics (settings.partitions) would idle" $partitions) }}{{ end }}
{{- if gt (int $v.scope.replicas) (int $v.kafka.claimsPartitions) }}{{ fail "scope.replicas: more than kafka.claimsPartitions would idle" }}{{ end }}
{{- if gt (int $v.scope.autoscaling.minReplicas) (int $v.kafka.claimsPartitions) }}{{ fail "scope.autoscaling.minReplicas: more than kafka.claimsPartitions would idle" }}{{ end }}
{{- $own := and $v.topics.strimzi.users (eq $v.topics.strimzi.authentication "scram-sha-512") -}}
{{- if and $v.topics.strimzi.users (not $v.topics.strimzi.cluster) }}{{ fail "topics.strimzi.users needs topics.strimzi.cluster" }}{{ end }}
{{- if and (eq $v.topics.create "strimzi") (not $v.topics.strimzi.cluster) }}{{ fail "topics.create: strimzi needs topics.strimzi.cluster" }}{{ end }}
{{- if and $v.topics.strimzi.users (eq $v.topics.create "job") }}{{ fail "topics.strimzi.users goes with topics.create: strimzi or none; its users may not create topics" }}{{ end }}
{{- if and $own (not $v.kafka.sasl.enabled) }}{{ fail "topics.strimzi.authentication: scram-sha-512 needs kafka.sasl.enabled" }}{{ end }}
{{- if and $v.topics.strimzi.users (not $own) (not $v.kafka.tls.enabled) }}{{ fail "topics.strimzi.authentication: tls needs kafka.tls.enabled" }}{{ end }}
{{- if and $v.kafka.sasl.enabled (not $own) (not (and $v.kafka.sasl.username $v.kafka.sasl.secret)) }}{{ fail "kafka.sasl.enabled needs kafka.sasl.username and kafka.sasl.secret" }}{{ end }}
{{- if and (eq $v.scope.autoscaling.mode "keda") (or $v.kafka.sasl.enabled $v.kafka.tls.enabled) (not $v.scope.autoscaling.kedaSecret) }}{{ fail "scope.autoscaling.mode: keda needs scope.autoscaling.kedaSecret where Kafka asks for TLS or a login" }}{{ end }}
{{- $grace := include "cg.setting" (dict "root" . "name" "shutdown_timeout_seconds") | float64 -}}
{{- if le (float64 $v.terminationGracePeriodSeconds) $grace }}{{ fail "terminationGracePeriodSeconds must be more than settings.shutdown_timeout_seconds" }}{{ end }}
{{- end }}

{{/* The Secret of a client certificate, if there is one. Takes root and role. */}}
{{- define "cg.clientSecret" -}}
{{- $v := .root.Values -}}
{{- if and $v.topics.strimzi.users (eq $v.topics.strimzi.authentication "tls") -}}
{{ include "cg.name" .root }}-{{ .role }}
{{- else -}}
{{ $v.kafka.tls.clientSecret }}
{{- end -}}
{{- end }}

{{- define "cg.strimziScram" -}}
{{- if and .Values.topics.strimzi.users (eq .Values.topics.strimzi.authentication "scram-sha-512") }}yes{{ end -}}
{{- end }}

{{/* Environment of every container. Takes root and role. */}}
{{- define "cg.env" -}}
{{- $v := .root.Values -}}
- name: CG_TRANS_03_SETTINGS_FILE
  value: /etc/cg-trans-03/settings/settings.yaml
- name: CG_TRANS_03_BOOTSTRAP_SERVERS
  value: {{ $v.kafka.bootstrapServers | quote }}
- name: CG_TRANS_03_SECURITY_PROTOCOL
  value: {{ ternary (ternary "SASL_SSL" "SASL_PLAINTEXT" $v.kafka.tls.enabled) (ternary "SSL" "PLAINTEXT" $v.kafka.tls.enabled) $v.kafka.sasl.enabled }}
{{- if $v.kafka.sasl.enabled }}
- name: CG_TRANS_03_SASL_MECHANISM
  value: {{ ternary "SCRAM-SHA-512" $v.kafka.sasl.mechanism (eq (include "cg.strimziScram" .root) "yes") }}
- name: CG_TRANS_03_SASL_USERNAME
  value: {{ ternary (printf "%s-%s" (include "cg.name" .root) .role) $v.kafka.sasl.username (eq (include "cg.strimziScram" .root) "yes") | quote }}
- name: CG_TRANS_03_SASL_PASSWORD_FILE
  value: /etc/cg-trans-03/sasl/{{ $v.kafka.sasl.passwordKey }}
{{- end }}
{{- if $v.kafka.tls.enabled }}
{{- if $v.kafka.tls.caSecret }}
- name: CG_TRANS_03_SSL_CAFILE
  value: /etc/cg-trans-03/ca/{{ $v.kafka.tls.caKey }}
{{- end }}
{{- if include "cg.clientSecret" . }}
- name: CG_TRANS_03_SSL_CERTFILE
  value: /etc/cg-trans-03/client/{{ $v.kafka.tls.certKey }}
- name: CG_TRANS_03_SSL_KEYFILE
  value: /etc/cg-trans-03/client/{{ $v.kafka.tls.keyKey }}
{{- end }}
{{- end }}
{{- if $v.applicability }}
- name: CG_TRANS_03_APPLICABILITY_FILE
  value: /etc/cg-trans-03/settings/applicability.yaml
{{- end }}
{{- if $v.policyFiles }}
- name: CG_TRANS_03_POLICY_DIR
  value: /etc/cg-trans-03/policy
{{- end }}
- name: CG_TRANS_03_LOG_FORMAT
  value: json
{{- end }}

{{- define "cg.mounts" -}}
{{- $v := .root.Values -}}
- name: settings
  mountPath: /etc/cg-trans-03/settings
  readOnly: true
{{- if $v.policyFiles }}
- name: policy
  mountPath: /etc/cg-trans-03/policy
  readOnly: true
{{- end }}
{{- if $v.kafka.sasl.enabled }}
- name: sasl
  mountPath: /etc/cg-trans-03/sasl
  readOnly: true
{{- end }}
{{- if and $v.kafka.tls.enabled $v.kafka.tls.caSecret }}
- name: ca
  mountPath: /etc/cg-trans-03/ca
  readOnly: true
{{- end }}
{{- if and $v.kafka.tls.enabled (include "cg.clientSecret" .) }}
- name: client
  mountPath: /etc/cg-trans-03/client
  readOnly: true
{{- end }}
- name: tmp
  mountPath: /tmp
{{- end }}

{{- define "cg.volumes" -}}
{{- $v := .root.Values -}}
- name: settings
  configMap:
    name: {{ include "cg.name" .root }}-settings{{ .suffix }}
{{- if $v.policyFiles }}
- name: policy
  configMap:
    name: {{ include "cg.name" .root }}-policy{{ .suffix }}
{{- end }}
{{- if $v.kafka.sasl.enabled }}
- name: sasl
  secret:
    secretName: {{ ternary (printf "%s-%s" (include "cg.name" .root) .role) $v.kafka.sasl.secret (eq (include "cg.strimziScram" .root) "yes") }}
    defaultMode: 0440
    items:
      - key: {{ $v.kafka.sasl.passwordKey }}
        path: {{ $v.kafka.sasl.passwordKey }}
{{- end }}
{{- if and $v.kafka.tls.enabled $v.kafka.tls.caSecret }}
- name: ca
  secret:
    secretName: {{ $v.kafka.tls.caSecret }}
    defaultMode: 0440
    items:
      - key: {{ $v.kafka.tls.caKey }}
        path: {{ $v.kafka.tls.caKey }}
{{- end }}
{{- if and $v.kafka.tls.enabled (include "cg.clientSecret" .) }}
- name: client
  secret:
    secretName: {{ include "cg.clientSecret" . }}
    defaultMode: 0440
    items:
      - key: {{ $v.kafka.tls.certKey }}
        path: {{ $v.kafka.tls.certKey }}
      - key: {{ $v.kafka.tls.keyKey }}
        path: {{ $v.kafka.tls.keyKey }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end }}

{{- define "cg.podSecurity" -}}
serviceAccountName: {{ include "cg.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "cg.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The pod of a role. Takes root, role and values of the role. */}}
{{- define "cg.pod" -}}
{{- $v := .root.Values -}}
metadata:
  labels:
    {{- include "cg.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  annotations:
    checksum/settings: {{ include (print .root.Template.BasePath "/configmap.yaml") .root | sha256sum }}
    {{- with $v.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "cg.podSecurity" .root | nindent 2 }}
  terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- else }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "cg.selector" .root | nindent 10 }}
          app.kubernetes.io/component: {{ .role }}
  {{- end }}
  containers:
    - name: worker
      image: {{ include "cg.image" .root }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      args: [worker, --role, {{ .role }}]
      env:
        {{- include "cg.env" . | nindent 8 }}
        - name: CG_TRANS_03_METRICS_HOST
          value: 0.0.0.0
        - name: CG_TRANS_03_METRICS_PORT
          value: "9464"
        {{- if eq .role "adjudicate" }}
        # Static membership: a pod that comes back in time keeps its partitions and their tables.
        - name: CG_TRANS_03_GROUP_INSTANCE_ID
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        {{- if eq .values.store "rocksdb" }}
        - name: CG_TRANS_03_DATA_DIR
          value: /var/lib/cg-trans-03
        {{- end }}
        {{- end }}
      ports:
        - name: metrics
          containerPort: 9464
      startupProbe:
        httpGet: {path: {{ ternary "/readyz" "/livez" (eq .role "adjudicate") }}, port: metrics}
        periodSeconds: 5
        failureThreshold: {{ ternary (div (int (.values.recoverySeconds | default 300)) 5) 60 (eq .role "adjudicate") }}
      livenessProbe:
        httpGet: {path: /livez, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        {{- include "cg.containerSecurity" .root | nindent 8 }}
      volumeMounts:
        {{- include "cg.mounts" . | nindent 8 }}
        {{- if and (eq .role "adjudicate") (eq .values.store "rocksdb") }}
        - name: data
          mountPath: /var/lib/cg-trans-03
        {{- end }}
  volumes:
    {{- include "cg.volumes" . | nindent 4 }}
{{- end }}

{{/* What kube-score is not to ask for, and why. Takes a further check of its, or nothing. */}}
{{- define "cg.unscored" -}}
# container-resources: a CPU limit would throttle a worker while cores idle; memory has its limit.
# container-image-pull-policy: a value; what is named by digest need not be pulled again.
{{- if . }}
# {{ . }}: topologySpreadConstraints spread the pods.
{{- end }}
kube-score/ignore: {{ list "container-resources" "container-image-pull-policy" . | compact | join "," }}
{{- end }}

{{/* For what asks the brokers one question and ends. */}}
{{- define "cg.smallResources" -}}
requests: {cpu: 50m, memory: 128Mi, ephemeral-storage: 64Mi}
limits: {memory: 256Mi, ephemeral-storage: 128Mi}
{{- end }}
