from django.db import models


class Tag(models.Model):
    name = models.SlugField(unique=True)

    def __str__(self):
        return self.name


class Entry(models.Model):
    title = models.CharField(max_length=120)
    text = models.TextField()
    written = models.DateTimeField(auto_now_add=True)
    tags = models.ManyToManyField(Tag, related_name="entries", blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.title
